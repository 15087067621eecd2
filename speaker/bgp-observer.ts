/** What the sessions do, told to the people of the cluster: the log, and events on the BGPPeers. */
import type { Log } from '../runtime/log.ts'
import type { PreferenceConflict } from './aggregate-preferences.ts'
import type { SpeakerEvent } from './speaker-event.ts'
import type { FromWire, ObservedPeer } from './wire/messages.ts'

export interface BgpObserverOptions {
  readonly node: string
  readonly raise: (kind: 'BGPPeer' | 'BGPAdvertisement', name: string, event: Omit<SpeakerEvent, 'object'>) => void
  readonly log: Log
}

export class BgpObserver {
  readonly #options: BgpObserverOptions
  readonly #peers = new Map<string, ObservedPeer>()

  constructor(options: BgpObserverOptions) {
    this.#options = options
  }

  /** How it stands with each peer, by name. */
  get peers(): ReadonlyMap<string, ObservedPeer> {
    return this.#peers
  }

  take(message: FromWire): void {
    if (message.kind === 'peer') this.#takePeer(message.peer)
    if (message.kind === 'peer-gone') this.#peers.delete(message.name)
  }

  /** An advertisement does not get the local preference that it asks for. */
  tellConflict({ prefix, advertisement, localPreference, winner, announced }: PreferenceConflict): void {
    const { node, raise, log } = this.#options
    const text = `local preference ${localPreference} is not announced for ${prefix}: BGPAdvertisement ${winner} asks for ${announced} for the same route; make them equal`
    log.warn('localPreferenceConflict', `BGPAdvertisement ${advertisement}: ${text}`, { prefix })
    const message = `on node "${node}": ${text}`
    raise('BGPAdvertisement', advertisement, { type: 'Warning', reason: 'localPreferenceConflict', message })
  }

  #takePeer(peer: ObservedPeer): void {
    const before = this.#peers.get(peer.name)
    this.#peers.set(peer.name, peer)
    this.#tellSession(peer, before)
    this.#tellBfd(peer, before)
    this.#tellNotice(peer, before)
  }

  #tellSession(peer: ObservedPeer, before: ObservedPeer | undefined): void {
    const { node, raise, log } = this.#options
    const isUp = peer.state === 'Established'
    const wasUp = before?.state === 'Established'
    const where = placeOf(peer)
    if (isUp && !wasUp) {
      log.info('sessionUp', `BGP session with ${where} is up`, { peer: peer.name, ...peer.session })
      const message = `BGP session of node "${node}" with ${where} is up`
      raise('BGPPeer', peer.name, { type: 'Normal', reason: 'sessionUp', message, topic: topicOf(node) })
      return
    }
    // An attempt that fails as the one before did is no news.
    if (isUp || (!wasUp && peer.because === before?.because) || peer.because === undefined) return
    log.warn(wasUp ? 'sessionDown' : 'sessionFailed', `BGP session with ${where}: ${peer.because}`, { peer: peer.name })
    const message = `BGP session of node "${node}" with ${where} is down: ${peer.because}`
    raise('BGPPeer', peer.name, { type: 'Warning', reason: 'sessionDown', message, topic: topicOf(node) })
  }

  #tellBfd({ name, bfd }: ObservedPeer, before: ObservedPeer | undefined): void {
    const isUp = bfd?.state === 'Up'
    const wasUp = before?.bfd?.state === 'Up'
    // Why it does not come up is told where it is known, and once.
    if (bfd === undefined || (isUp === wasUp && (isUp || bfd.because === before?.bfd?.because))) return
    const { log } = this.#options
    if (isUp) log.info('bfdUp', `BFD session with ${name} is up`, { peer: name })
    else log.warn('bfdDown', `BFD session with ${name} is down: ${bfd.because}`, { peer: name })
  }

  #tellNotice(peer: ObservedPeer, before: ObservedPeer | undefined): void {
    if (peer.notice === undefined || peer.notice === before?.notice) return
    const { node, raise, log } = this.#options
    log.warn('peerNotice', `BGPPeer ${peer.name}: ${peer.notice}`, { peer: peer.name })
    const message = `on node "${node}": ${peer.notice}`
    raise('BGPPeer', peer.name, { type: 'Warning', reason: 'peerNotice', message, topic: `notice ${node}` })
  }
}

function topicOf(node: string): string {
  return `session ${node}`
}

function placeOf({ name, address, port }: ObservedPeer): string {
  return address === undefined ? name : `${name} (${address.includes(':') ? `[${address}]` : address}:${port})`
}
