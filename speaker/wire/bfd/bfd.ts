/** All BFD of this node: a session for each peer that wants one, and the sockets on which packets arrive for all. */
import { createSocket, type Socket } from 'node:dgram'
import { type Arrival, HopsSocket } from '../../../native/index.ts'
import { addressFromBytes, formatAddress } from '../../../net/ip/index.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { Random } from '../../../runtime/random.ts'
import type { BfdCounters, DesiredBfd, ObservedBfd } from '../messages.ts'
import { type BfdPath, BfdSession, CONTROL_PORT, ECHO_PORT, MULTIHOP_PORT } from './session.ts'

/** Control packets are 24 octets, and more with authentication; echo packets are the peer's own business. */
const MAX_DATAGRAM_BYTES = 256
/** Where the discriminator of the receiver stands (RFC 5880 section 4.1). */
const YOUR_DISCRIMINATOR_AT = 8
const LARGEST_DISCRIMINATOR = 0xffff_ffff
/** An echo packet that comes back has crossed the link twice, and is not to be sent back once more. */
const ECHO_RETURN_TTL = 254

export interface BfdOptions {
  readonly clock: Clock
  readonly random: Random
  readonly onChange: (name: string) => void
  readonly onDown: (name: string) => void
  readonly ignored: (reason: string) => void
  readonly fault: (what: string, cause: unknown) => void
}

/** Where packets arrive. */
interface Place {
  readonly family: 4 | 6
  readonly port: number
  readonly device: string | undefined
}

export class Bfd {
  readonly #options: BfdOptions
  readonly #sessions = new Map<string, BfdSession>()
  /** Said goodbye to, until the peers have heard it. */
  readonly #leaving = new Set<BfdSession>()
  /** Both sorts. */
  readonly #byDiscriminator = new Map<number, BfdSession>()
  readonly #sockets = new Map<string, HopsSocket>()
  #echo: Socket | undefined

  constructor(options: BfdOptions) {
    this.#options = options
  }

  /** The session of that name, made or changed as needed; a change of times does not interrupt it. */
  desire(name: string, path: BfdPath, desired: DesiredBfd): void {
    const known = this.#sessions.get(name)
    if (known !== undefined && isSame(known.path, path)) {
      known.configure(desired)
      return
    }
    this.dismiss(name)
    const session: BfdSession = new BfdSession(this.#discriminator(), path, desired, {
      ...this.#options,
      hear: () => this.#hear(),
      onChange: () => this.#options.onChange(name),
      onDown: () => this.#options.onDown(name),
      onFinished: () => this.#finish(session),
    })
    this.#sessions.set(name, session)
    this.#byDiscriminator.set(session.discriminator, session)
    this.#listen()
  }

  dismiss(name: string): void {
    const session = this.#sessions.get(name)
    if (session === undefined) return
    this.#sessions.delete(name)
    this.#leaving.add(session)
    session.sayGoodbye()
  }

  /** All peers are told that what follows is no failure. */
  leave(): void {
    for (const name of [...this.#sessions.keys()]) this.dismiss(name)
  }

  observed(name: string): ObservedBfd | undefined {
    return this.#sessions.get(name)?.observed
  }

  counters(name: string): BfdCounters | undefined {
    const session = this.#sessions.get(name)
    return session && { ...session.counters }
  }

  close(): void {
    for (const session of this.#byDiscriminator.values()) session.close()
    for (const socket of this.#sockets.values()) socket.close()
    this.#sockets.clear()
    this.#echo?.close()
    this.#echo = undefined
  }

  #finish(session: BfdSession): void {
    session.close()
    this.#leaving.delete(session)
    this.#byDiscriminator.delete(session.discriminator)
    this.#listen()
  }

  /** Hard to guess, so that who cannot see the packets cannot forge them. */
  #discriminator(): number {
    for (;;) {
      const drawn = 1 + Math.floor(this.#options.random() * (LARGEST_DISCRIMINATOR - 1))
      if (!this.#byDiscriminator.has(drawn)) return drawn
    }
  }

  /** Opens and closes sockets so that every session is heard and nothing else is open. */
  #listen(): void {
    const wanted = new Map<string, Place>()
    for (const { path } of this.#byDiscriminator.values()) {
      for (const place of placesOf(path)) wanted.set(Object.values(place).join(), place)
    }
    for (const [key, socket] of this.#sockets) {
      if (wanted.has(key)) continue
      socket.close()
      this.#sockets.delete(key)
    }
    for (const [key, place] of wanted) if (!this.#sockets.has(key)) this.#open(key, place)
  }

  #hear(): void {
    for (const socket of this.#sockets.values()) socket.drain()
  }

  #open(key: string, place: Place): void {
    const what = `receiving BFD on UDP port ${place.port}`
    try {
      const socket = new HopsSocket({
        ...place,
        maxDatagramBytes: MAX_DATAGRAM_BYTES,
        now: () => this.#options.clock.now(),
        onArrival: (arrival) => this.#take(place, arrival),
        onError: (error) => {
          this.#sockets.delete(key)
          this.#options.fault(what, error)
        },
      })
      this.#sockets.set(key, socket)
    } catch (error) {
      this.#options.fault(what, error)
    }
  }

  #take(place: Place, arrival: Arrival): void {
    if (place.port === ECHO_PORT) this.#takeEcho(place, arrival)
    else {
      const session = this.#sessionOf(place, arrival)
      if (session === undefined) this.#options.ignored('bfd-no-session')
      else session.receive(arrival)
    }
  }

  /** RFC 5880 section 6.3: by our discriminator, or in a peer's first packets by where they come from. */
  #sessionOf(place: Place, arrival: Arrival): BfdSession | undefined {
    const { bytes } = arrival
    if (bytes.length < YOUR_DISCRIMINATOR_AT + 4) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const discriminator = view.getUint32(YOUR_DISCRIMINATOR_AT)
    const named = this.#byDiscriminator.get(discriminator)
    if (named !== undefined) return listens(named.path, place) ? named : undefined
    if (discriminator !== 0) return undefined
    return [...this.#sessions.values()].find(({ path }) => listens(path, place) && isFrom(path, arrival))
  }

  /** As FRR has it: the packet goes back to who sent it, one hop older. */
  #takeEcho(place: Place, arrival: Arrival): void {
    const { bytes, hopLimit } = arrival
    const session = [...this.#sessions.values()].find(
      ({ path }) => path.device === place.device && isFrom(path, arrival),
    )
    if (session === undefined || !session.receiveEcho(hopLimit)) return
    const echo = this.#echoSocket()
    echo.send(bytes.slice(), ECHO_PORT, formatAddress(session.path.address), () => undefined)
  }

  #echoSocket(): Socket {
    if (this.#echo !== undefined) return this.#echo
    const socket = createSocket('udp4')
    socket.on('error', (error) => this.#options.fault('returning BFD echo packets', error))
    socket.bind(0, () => socket.setTTL(ECHO_RETURN_TTL))
    this.#echo = socket
    return socket
  }
}

function placesOf(path: BfdPath): readonly Place[] {
  const { address, device, isMultihop } = path
  const control: Place = { family: address.family, port: isMultihop ? MULTIHOP_PORT : CONTROL_PORT, device }
  return isMultihop || address.family === 6 ? [control] : [control, { ...control, port: ECHO_PORT }]
}

function listens(path: BfdPath, place: Place): boolean {
  return placesOf(path).some(
    ({ family, port, device }) => family === place.family && port === place.port && device === place.device,
  )
}

/** Two links may have the same link-local address at their other ends. */
function isFrom({ address, scope }: BfdPath, { sender, interfaceIndex }: Arrival): boolean {
  const from = addressFromBytes(sender)
  const isSameLink = scope === 0 || scope === interfaceIndex
  return isSameLink && from.family === address.family && from.bits === address.bits
}

function isSame(a: BfdPath, b: BfdPath): boolean {
  return textOf(a) === textOf(b)
}

function textOf({ address, interface: link, scope, isMultihop, sourceAddress, device }: BfdPath): string {
  return [formatAddress(address), link, scope, isMultihop, sourceAddress, device].join()
}
