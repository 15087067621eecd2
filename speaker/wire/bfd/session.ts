/** The driver of one BFD session: packets and timers become events of net/bfd, actions become datagrams. */
import { createSocket, type Socket } from 'node:dgram'
import type { Arrival } from '../../../native/index.ts'
import {
  type BfdAction,
  type BfdDownReason,
  type BfdEvent,
  type BfdSession as BfdMachine,
  type BfdOptions,
  type BfdTimer,
  createBfdSession,
  decodeControlPacket,
  judgeEcho,
  SINGLE_HOP_TTL,
  stepBfd,
} from '../../../net/bfd/index.ts'
import { DecodeError } from '../../../net/bytes/index.ts'
import { type Address, formatAddress } from '../../../net/ip/index.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { Random } from '../../../runtime/random.ts'
import type { BfdCounters, DesiredBfd, ObservedBfd } from '../messages.ts'
import { SessionTimers } from '../session-timers.ts'

/** RFC 5881 section 4. */
export const CONTROL_PORT = 3784
export const ECHO_PORT = 3785
/** RFC 5883 section 5. */
export const MULTIHOP_PORT = 4784
/** RFC 5881 section 4: where packets come from. */
const FIRST_SOURCE_PORT = 49_152
const SOURCE_PORTS = 16_384
/** A source port that is taken is passed over; so many times in a row, and something else is wrong. */
const PORT_ATTEMPTS = 16
/** The least TTL over several hops where the profile names none, as in FRR. */
const NEXT_ROUTER_TTL = 254

/** Between whom, and how. */
export interface BfdPath {
  readonly address: Address
  /** Name of the interface of a link-local address; undefined = none. */
  readonly interface: string | undefined
  /** Index of that interface, else 0. */
  readonly scope: number
  readonly isMultihop: boolean
  readonly sourceAddress: string | undefined
  readonly device: string | undefined
}

export interface BfdSurroundings {
  readonly clock: Clock
  readonly random: Random
  /** Hands over every packet that has arrived, of whichever session. */
  readonly hear: () => void
  /** State or reason changed. */
  readonly onChange: () => void
  /** The path is broken; not called where the peer was told to stop (RFC 5882 section 4.2). */
  readonly onDown: () => void
  /** The peer has had time to hear our goodbye. */
  readonly onFinished: () => void
  /** A packet was dropped; `reason` as in bfd-ttl-too-low. */
  readonly ignored: (reason: string) => void
  readonly fault: (what: string, cause: unknown) => void
}

/** In words, for people. */
const BECAUSE: Readonly<Record<BfdDownReason, string>> = {
  'detection-time-expired': 'nothing was heard for the detection time',
  'neighbor-signaled-down': 'the peer no longer hears us',
  'neighbor-administratively-down': 'the peer was told to stop',
  'administratively-down': 'ended by us',
}

export class BfdSession {
  readonly path: BfdPath
  readonly counters: { -readonly [Name in keyof BfdCounters]: BfdCounters[Name] } = {
    ...{ isUp: false, controlPacketsReceived: 0, controlPacketsSent: 0, upEvents: 0, downEvents: 0 },
    ...{ echoPacketsReceived: 0, echoPacketsSent: 0 },
  }
  readonly #around: BfdSurroundings
  readonly #timers: SessionTimers<BfdTimer>
  readonly #port: number
  #machine: BfdMachine
  #socket: Socket | undefined
  /** The peer may be heard before there is a socket to answer by. */
  #isConnected = false
  #because: string | undefined
  /** It has been said that packets come from too far away. */
  #isTooFar = false

  constructor(discriminator: number, path: BfdPath, desired: DesiredBfd, around: BfdSurroundings) {
    this.path = path
    this.#around = around
    this.#port = path.isMultihop ? MULTIHOP_PORT : CONTROL_PORT
    this.#machine = createBfdSession(discriminator, optionsOf(desired, path.isMultihop))
    this.#timers = new SessionTimers(around.clock, around.random, (timer) => this.#expire(timer))
    this.#open(PORT_ATTEMPTS)
  }

  get observed(): ObservedBfd {
    return { state: this.#machine.state, because: this.#because }
  }

  get discriminator(): number {
    return this.#machine.localDiscriminator
  }

  configure(desired: DesiredBfd): void {
    this.#handle({ kind: 'configure', options: optionsOf(desired, this.path.isMultihop) })
  }

  /** A control packet that belongs here. */
  receive({ bytes, hopLimit: receivedTtl, ageMs }: Pick<Arrival, 'bytes' | 'hopLimit' | 'ageMs'>): void {
    const packet = decode(bytes)
    if (packet === undefined) {
      this.#around.ignored('bfd-malformed')
      return
    }
    this.counters.controlPacketsReceived++
    if (receivedTtl < this.#machine.options.minimumTtl) this.#tellTooFar(receivedTtl)
    this.#handle({ kind: 'packet', packet, receivedTtl, ageMs })
  }

  /** Once: a forger is not to make us talk. And of a session that works it is no matter (RFC 5082). */
  #tellTooFar(receivedTtl: number): void {
    const { state, options } = this.#machine
    if (state === 'Up' || this.#isTooFar) return
    this.#isTooFar = true
    const remedy = this.path.isMultihop
      ? 'lower minimumTtl in the BFDProfile'
      : 'the peer is not on a link of this node: set ebgpMultiHop, and minimumTtl in the BFDProfile'
    this.#because = `packets arrive with TTL ${receivedTtl}, and less than ${options.minimumTtl} is dropped: ${remedy}`
    this.#around.onChange()
  }

  /** An echo packet of the peer; returns whether it is to be sent back. */
  receiveEcho(receivedTtl: number): boolean {
    this.counters.echoPacketsReceived++
    const isReturned = judgeEcho(this.#machine, receivedTtl) === 'return'
    if (isReturned) this.counters.echoPacketsSent++
    return isReturned
  }

  /** The peer is told that this is no failure; `onFinished` follows. */
  sayGoodbye(): void {
    this.#handle({ kind: 'admin-down' })
  }

  close(): void {
    this.#timers.disarmAll()
    this.#socket?.close()
    this.#socket = undefined
    this.#isConnected = false
  }

  /** One source port for the life of the session, out of the range of RFC 5881 section 4. */
  #open(attemptsLeft: number): void {
    const { address, sourceAddress, interface: link } = this.path
    const socket = createSocket(address.family === 4 ? 'udp4' : 'udp6')
    const port = FIRST_SOURCE_PORT + Math.floor(this.#around.random() * SOURCE_PORTS)
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      if (error.code === 'EADDRINUSE' && attemptsLeft > 1) this.#open(attemptsLeft - 1)
      else this.#around.fault(`opening the BFD socket towards ${formatAddress(address)}`, error)
    })
    socket.bind({ port, ...(sourceAddress !== undefined && { address: sourceAddress }), exclusive: true }, () => {
      socket.setTTL(SINGLE_HOP_TTL)
      const scope = link === undefined ? '' : `%${link}`
      socket.connect(this.#port, `${formatAddress(address)}${scope}`, () => this.#begin(socket))
    })
    this.#socket = socket
  }

  #begin(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#isConnected = true
    socket.removeAllListeners('error')
    // The peer's host says that nobody listens there: that is what BFD is about to find out by itself.
    socket.on('error', () => undefined)
    this.#handle({ kind: 'start' })
  }

  /** A loop that was held up has more to read than it reads in one turn: all of it, before the peer is taken for dead. */
  #expire(timer: BfdTimer): void {
    if (timer === 'detect' && this.#machine.detectDeadlineMs <= this.#around.clock.now()) this.#around.hear()
    this.#handle({ kind: 'timer', timer })
  }

  #handle(event: BfdEvent): void {
    const { session, actions } = stepBfd(this.#machine, event, this.#around.clock.now())
    const hasChanged = session.state !== this.#machine.state
    this.#machine = session
    this.counters.isUp = session.state === 'Up'
    for (const action of actions) this.#execute(action)
    if (hasChanged) this.#around.onChange()
  }

  #execute(action: BfdAction): void {
    switch (action.kind) {
      case 'send':
        this.#send(action.bytes)
        return
      case 'arm':
        this.#timers.arm(action.timer, action.afterMs, action.jitter)
        return
      case 'disarm':
        this.#timers.disarm(action.timer)
        return
      case 'up':
        this.counters.upEvents++
        this.#isTooFar = false
        return
      case 'down':
        this.counters.downEvents++
        this.#because = BECAUSE[action.because]
        if (isFailure(action.because)) this.#around.onDown()
        return
      case 'discarded':
        this.#around.ignored(`bfd-${action.because}`)
        return
      case 'finished':
        this.#around.onFinished()
    }
  }

  #send(bytes: Uint8Array): void {
    if (!this.#isConnected) return
    this.counters.controlPacketsSent++
    // A packet that cannot be sent is one that the peer misses, which it will tell.
    this.#socket!.send(bytes, () => undefined)
  }
}

function isFailure(because: BfdDownReason): boolean {
  return because === 'detection-time-expired' || because === 'neighbor-signaled-down'
}

function optionsOf(desired: DesiredBfd, isMultihop: boolean): BfdOptions {
  return {
    desiredMinTxMicroseconds: desired.transmitIntervalMs * 1000,
    requiredMinRxMicroseconds: desired.receiveIntervalMs * 1000,
    // Echo is for one hop (RFC 5883 section 4.3).
    requiredMinEchoRxMicroseconds: isMultihop ? 0 : (desired.echoIntervalMs ?? 0) * 1000,
    detectMultiplier: desired.detectMultiplier,
    isPassive: desired.isPassive,
    minimumTtl: isMultihop ? (desired.minimumTtl ?? NEXT_ROUTER_TTL) : SINGLE_HOP_TTL,
  }
}

/** undefined = not BFD. */
function decode(bytes: Uint8Array) {
  try {
    return decodeControlPacket(bytes)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
