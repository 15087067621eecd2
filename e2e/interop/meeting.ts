/**
 * A node and a router on one LAN, and the BGP session between them: the node is a real wire thread in its namespace, told
 * by messages what it is to do. Every meeting has a LAN of its own, so all use the same addresses.
 */
import assert from 'node:assert/strict'
import type { DesiredPeer, DesiredRoute, ObservedPeer, PeerCounters } from '../../speaker/wire/messages.ts'
import { eventually } from '../../testkit/eventually.ts'
import { createLan, type Host, type Lan } from '../../testkit/netns.ts'
import {
  type NeighborOptions,
  type Route,
  type Router,
  type RouterKind,
  type RouterOptions,
  startRouter,
} from '../../testkit/routers/index.ts'
import { startWireNode, type WireNode } from '../../testkit/wire-node.ts'

export const NODE_ASN = 64512
export const ROUTER_ASN = 64500
export const PEER = 'router'

/** Addresses of both ends: on one network, and with a hop between them. */
const PLACES = {
  near: { node: '192.0.2.2', router: '192.0.2.1' },
  near6: { node: '2001:db8::2', router: '2001:db8::1' },
  far: { node: '192.0.2.2', router: '203.0.113.1' },
} as const

/** A Service's address, and its host routes. */
export const VIP = '198.51.100.10'
export const VIP6 = '2001:db8:ffff::10'

export interface MeetingOptions {
  /** `far`: a hop lies between, which decrements the TTL. Default `near`. */
  readonly place?: keyof typeof PLACES
  /** Settings of the node's peer that differ from `plainPeer`. */
  readonly node?: Partial<DesiredPeer>
  readonly listenPort?: number
  /** Settings of the router for its neighbor; its AS number where that is not ROUTER_ASN. */
  readonly router?: Partial<NeighborOptions> & { readonly routerAsn?: number }
}

/** A peer without anything special, at short timers. */
export function plainPeer(address: string, remoteAsn: number): DesiredPeer {
  return {
    name: PEER,
    target: { kind: 'address', address },
    port: 179,
    localAsn: NODE_ASN,
    remote: { kind: 'asn', asn: remoteAsn },
    routerId: '192.0.2.2',
    holdTimeSeconds: 9,
    keepaliveTimeSeconds: undefined,
    connectTimeSeconds: 1,
    dualStack: false,
    distance: { kind: 'direct' },
    sourceAddress: undefined,
    device: undefined,
    password: undefined,
    restartTimeSeconds: undefined,
    role: undefined,
    mustHaveRole: false,
    isPassive: false,
    bfd: undefined,
  }
}

export function hostRoute(address: string, more: Partial<DesiredRoute> = {}): DesiredRoute {
  return {
    prefix: `${address}/${address.includes(':') ? 128 : 32}`,
    advertisement: 'default',
    localPreference: undefined,
    communities: [],
    largeCommunities: [],
    peers: undefined,
    ...more,
  }
}

/** Far less than the shortest hold time in use, and more than a busy machine takes over three thousand routes. */
const STANDSTILL_MS = 2_000

export class Meeting {
  readonly lan: Lan
  readonly addresses: { readonly node: string; readonly router: string }
  readonly #options: MeetingOptions
  readonly #kind: RouterKind
  #node: WireNode | undefined
  #router: Router | undefined
  #desired: DesiredPeer

  constructor(kind: RouterKind, options: MeetingOptions) {
    this.#kind = kind
    this.#options = options
    this.addresses = PLACES[options.place ?? 'near']
    const peer = plainPeer(this.addresses.router, options.router?.routerAsn ?? ROUTER_ASN)
    this.#desired = { ...peer, ...options.node }
    this.lan = createLan([
      { name: 'node', addresses: ['192.0.2.2/24', '2001:db8::2/64'] },
      { name: 'router', addresses: ['192.0.2.1/24', '2001:db8::1/64'] },
    ])
    forwarding(this.routerHost)
    if (options.place === 'far') this.#putHopBetween()
  }

  get nodeHost(): Host {
    return this.lan.host('node')
  }

  get routerHost(): Host {
    return this.lan.host('router')
  }

  get node(): WireNode {
    return this.#node ?? assert.fail('the node does not run')
  }

  get router(): Router {
    return this.#router ?? assert.fail('the router does not run')
  }

  /** Router and node begin at once. */
  async begin(): Promise<void> {
    await Promise.all([this.startRouter(), this.startNode()])
  }

  async startRouter(): Promise<void> {
    this.#router = await startRouter(this.#kind, this.routerOptions())
  }

  /** A speaker that begins: it learns its peers, then its routes. */
  async startNode(): Promise<void> {
    this.#node = await startWireNode(this.nodeHost, { name: 'node' })
    this.desirePeer({})
  }

  /** Changes what the node is to do about the router. */
  desirePeer(change: Partial<DesiredPeer>, isDraining = false): void {
    this.#desired = { ...this.#desired, ...change }
    const listenPort = this.#options.listenPort ?? 179
    this.node.post({ kind: 'peers', desired: { peers: [this.#desired], listenPort, isDraining } })
  }

  /** The routes of one Service each, and nothing else. */
  announce(...routes: readonly DesiredRoute[]): void {
    const services = routes.map((route, index) => ({ key: `test/${index}`, routes: [route] }))
    this.node.post({ kind: 'routes', complete: true, services })
  }

  routerOptions(change: Partial<NeighborOptions> = {}): RouterOptions {
    const { routerAsn = ROUTER_ASN, ...neighbor } = this.#options.router ?? {}
    const { node, router } = this.addresses
    const plain = { address: node, localAddress: router, asn: this.#desired.localAsn }
    return {
      namespace: this.routerHost,
      asn: routerAsn,
      routerId: '192.0.2.1',
      neighbors: [{ ...plain, ...neighbor, ...change }],
    }
  }

  /** Resolves when both sides say that the session stands. */
  async established(limitMs = 20_000): Promise<void> {
    await this.peer((peer) => peer.state === 'Established', limitMs)
    await eventually(async () => assert.ok((await this.neighbor()).isEstablished), limitMs)
  }

  /** Resolves with the first report of the node about its peer, the latest one included, that is so. */
  async peer(isSo: (peer: ObservedPeer) => boolean, limitMs = 20_000): Promise<ObservedPeer> {
    const limit = AbortSignal.timeout(limitMs)
    const late = new Promise<never>((_, reject) => {
      limit.onabort = () =>
        reject(new Error(`not so within ${limitMs} ms; the node says: ${JSON.stringify(this.lastReport())}`))
    })
    await Promise.race([this.node.when('peer', ({ peer }) => isSo(peer)), late])
    return this.lastReport()!
  }

  lastReport(): ObservedPeer | undefined {
    return this.node.messages.findLast((message) => message.kind === 'peer')?.peer
  }

  neighbor() {
    return this.router.neighbor(this.#options.router?.address ?? this.addresses.node)
  }

  /** Resolves when the router has exactly these prefixes, with its routes. */
  async routes(...prefixes: readonly string[]): Promise<readonly Route[]> {
    return await eventually(async () => {
      const routes = await this.router.routes()
      assert.deepEqual(
        routes.map(({ prefix }) => prefix),
        prefixes.toSorted(),
      )
      return routes
    }, 15_000)
  }

  async counters(): Promise<PeerCounters> {
    const answer = this.node.next('counters')
    this.node.post({ kind: 'read-counters', id: 1 })
    const { counters } = await answer
    return counters.peers.find(({ name }) => name === PEER) ?? assert.fail('no counters of the peer')
  }

  /** Resolves with the node's counters once they are so. */
  counted(isSo: (counters: PeerCounters) => boolean): Promise<PeerCounters> {
    return eventually(async () => {
      const counters = await this.counters()
      assert.ok(isSo(counters), JSON.stringify(counters))
      return counters
    }, 10_000)
  }

  /** Resolves once the attempt does not throw. */
  settled(attempt: () => Promise<void>): Promise<void> {
    return eventually(attempt, 15_000)
  }

  /** The node's wire thread turns its loop. */
  async answersQuickly(): Promise<void> {
    const askedAt = performance.now()
    const pong = this.node.next('pong')
    this.node.post({ kind: 'ping', id: 1 })
    await pong
    const tookMs = performance.now() - askedAt
    assert.ok(tookMs < STANDSTILL_MS, `the wire thread stood still for ${tookMs} ms`)
  }

  /** What both sides said, for the message of a failed test. */
  story(): string {
    const reports = this.#node?.messages.flatMap((message) =>
      message.kind === 'peer' ? [JSON.stringify(message.peer)] : [],
    )
    return [...(reports ?? []), this.#router?.log() ?? 'no router'].join('\n')
  }

  /** Ends everything; what is already gone does not matter. */
  async end(): Promise<void> {
    await this.#router?.stop()
    this.lan.close()
  }

  /** All on one bridge; the networks know each other through the hop only. */
  #putHopBetween(): void {
    const hop = this.lan.add({ name: 'hop', addresses: ['192.0.2.254/24', '203.0.113.254/24'] })
    forwarding(hop)
    this.routerHost.run('ip', 'address', 'del', '192.0.2.1/24', 'dev', 'eth0')
    this.routerHost.run('ip', 'address', 'add', '203.0.113.1/24', 'dev', 'eth0')
    this.routerHost.run('ip', 'route', 'add', '192.0.2.0/24', 'via', '203.0.113.254')
    this.nodeHost.run('ip', 'route', 'add', '203.0.113.0/24', 'via', '192.0.2.254')
  }
}

/** Never tells a host on the same bridge that there is a shorter way: it would pass the router by. */
export function forwarding(host: Host): void {
  const settings = ['echo 1 > ip_forward', 'for f in conf/*/send_redirects; do echo 0 > $f; done']
  host.run('sh', '-c', `cd /proc/sys/net/ipv4 && ${settings.join(' && ')} && echo 1 > ../ipv6/conf/all/forwarding`)
}
