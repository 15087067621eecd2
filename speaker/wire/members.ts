/**
 * The machine of membership (net/membership) with its sockets and its timer, and whether anybody is watched at all:
 * until the main thread has said, nothing may be claimed.
 */
import * as membership from '../../net/membership/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import { Heartbeats } from './heartbeat.ts'
import type { UsableInterface } from './interfaces.ts'
import type { DesiredMembership } from './messages.ts'
import { MachineTimer } from './timer.ts'

export type View = Extract<membership.Action, { readonly kind: 'members' }>

export interface MembersOptions {
  readonly node: string
  readonly clock: Clock
  /** Has `step` called with the event when its turn has come. */
  readonly post: (event: membership.Event) => void
  /** Usable interfaces whose sockets are open. */
  readonly opened: () => readonly UsableInterface[]
  /** Who is alive, or what they offer, changed. */
  readonly viewed: (view: View) => void
  /** Nobody is watched: every candidate counts as alive. */
  readonly unwatched: () => void
  /** `isAllowed` answers otherwise than before. */
  readonly allowanceChanged: () => void
  /** The others have been told that this node leaves. */
  readonly left: () => void
  readonly ignored: (because: membership.Ignored | 'unsent') => void
  readonly fault: (what: string, cause: unknown) => void
}

export class Members {
  readonly #options: MembersOptions
  readonly #state: membership.State
  readonly #timer: MachineTimer
  #heartbeats: Heartbeats | undefined
  /** Interfaces that were listened to for long enough, and are not cut off. */
  #announceable: readonly string[] = []
  #watch: 'unknown' | 'nobody' | 'members' = 'unknown'
  #alive: View['alive'] = new Map()

  constructor(options: MembersOptions) {
    this.#options = options
    const { node, clock, post } = options
    this.#state = membership.initial({ node, bootId: BigInt(Math.floor(clock.wall() * 1000)) })
    this.#timer = new MachineTimer(clock, () => post({ kind: 'timer' }))
  }

  /** Members alive and what they offer; undefined = nobody is watched. */
  get others(): View['alive'] | undefined {
    return this.#watch === 'members' ? this.#alive : undefined
  }

  /** Whether it speaks to others. */
  get isSpeaking(): boolean {
    return this.#heartbeats !== undefined
  }

  /** Whether this node may answer for addresses now, as far as others are concerned. */
  mayAnswer(): boolean {
    return this.#watch !== 'members' || membership.mayAnswer(this.#state, this.#options.clock.now())
  }

  /** Whether addresses may be announced on the interface. */
  isAllowed(name: string): boolean {
    return this.#watch === 'nobody' || this.#announceable.includes(name)
  }

  /** Its timer should have rung: what it has to say must come before anything else. */
  isDue(): boolean {
    return this.#watch === 'members' && membership.isDue(this.#state, this.#options.clock.now())
  }

  step(event: membership.Event): void {
    for (const action of membership.step(this.#state, event, this.#options.clock.now())) this.#execute(action)
  }

  /** undefined: nobody is to be watched. */
  watch(desired: DesiredMembership | undefined): void {
    const { post, unwatched, allowanceChanged } = this.#options
    if (desired === undefined) {
      this.#watch = 'nobody'
      this.close()
      unwatched()
      allowanceChanged()
      return
    }
    this.#watch = 'members'
    // Without a key nobody can be believed, and who hears nobody would claim everything.
    if (desired.keys.length === 0) return
    this.#open(desired.port)
    const { keys, members } = desired
    post({ kind: 'configure', keys, members })
  }

  /** Hears and speaks on exactly these interfaces. */
  sync(usable: readonly UsableInterface[]): void {
    this.#heartbeats?.sync(usable)
  }

  close(): void {
    this.#timer.disarm()
    this.#heartbeats?.close()
    this.#heartbeats = undefined
  }

  #open(port: number): void {
    if (this.#heartbeats?.port === port) return
    this.#heartbeats?.close()
    const { post, ignored, fault, opened } = this.#options
    this.#heartbeats = new Heartbeats(port, {
      datagram: (bytes, name) => post({ kind: 'datagram', bytes, interface: name }),
      unsent: () => ignored('unsent'),
      fault,
    })
    this.#heartbeats.sync(opened())
  }

  #execute(action: membership.Action): void {
    const { viewed, allowanceChanged, ignored, left } = this.#options
    switch (action.kind) {
      case 'multicast':
        this.#heartbeats?.multicast(action.interface, action.bytes)
        return
      case 'unicast':
        this.#heartbeats?.unicast(action.address, action.bytes)
        return
      case 'arm':
        this.#timer.arm(action.at)
        return
      case 'members':
        this.#alive = action.alive
        viewed(action)
        return
      case 'announceable':
        this.#announceable = action.interfaces
        allowanceChanged()
        return
      case 'ignored':
        ignored(action.because)
        return
      case 'left':
        left()
    }
  }
}
