import { Agenda, type Entry } from './agenda.ts'
import type { Self } from './elect.ts'
import { Fifo } from './fifo.ts'
import { Lists } from './lists.ts'
import type { Action, Members, Options, OwnershipReason, WantedAddress, WantedService } from './node.ts'
import { Pace } from './pace.ts'
import { type Burst, Schedule } from './schedule.ts'

/**
 * All that the machine remembers. Mutable, and changed in place by `step`: with ten thousand addresses a copy for each
 * event would cost more than the event. Nobody else may touch it.
 */
export interface State {
  readonly options: Options
  self: Self
  members: Members
  /** What is desired and not yet taken in; see desired.ts. */
  readonly work: Fifo<Work>
  hasComplete: boolean
  /** The addresses of each. */
  readonly services: Map<string, readonly string[]>
  readonly lists: Lists
  readonly addresses: Map<string, Address>
  /** Wanted by nobody; withdrawn when all work is done, since somebody further back may want them. */
  readonly unwanted: Set<Address>
  /** Addresses withdrawn not long ago, with the time: they are not new when they come back. */
  readonly withdrawn: Map<string, number>
  /** Addresses to be elected anew; see backlog.ts. */
  readonly backlog: { readonly urgent: Set<Address>; readonly routine: Set<Address> }
  /**
   * This process stood still for so long that others may have taken over, and has not yet looked at all that changed
   * meanwhile: what is lost is let go of without handover.
   */
  isBehind: boolean
  /** Addresses by elected owner: when a node dies, only its own are looked at. */
  readonly ownedBy: Map<string, Set<Address>>
  /** How many addresses are being handed over. */
  handingOver: number
  readonly pace: Pace
  readonly schedule: Schedule
  /** Questions to the segment, sent as the pace allows. */
  readonly questions: Agenda<Appointment>
  readonly deadlines: Agenda<Appointment>
  armedAt: number | undefined
  isReleased: boolean
}

export interface Work {
  readonly services: Iterator<WantedService>
  /** What of the addresses that this node has not known so far: all may be new, or others may have them by now. */
  readonly doubt: Extract<Doubt, 'new' | 'outdated'> | undefined
}

export interface Appointment {
  readonly address: Address
  readonly what:
    | 'probe'
    | 'probed'
    | 'retry'
    | 'ask-successor'
    | 'handed-over'
    | 'rival-silent'
    | 'keeper-doubted'
    | 'conflict-over'
}

/** One address that some Service wants. */
export interface Address {
  readonly ip: string
  /** Nearly always one. Empty: about to be withdrawn. */
  wants: readonly Want[]
  /** The elected node, this one or another. */
  owner: string | undefined
  /** Why the segment is asked before this node announces the address; undefined = no need. */
  doubt: Doubt | undefined
  keeper: Keeper | undefined
  phase: Phase
  /** Cancelled when the phase ends. */
  appointments: readonly Entry<Appointment>[]
  /** What is being announced, or was: the last of each interface. */
  bursts: readonly Burst[]
  /** A member that outranks us, is not heard by heartbeat, and was seen announcing the address. */
  rival: Rival | undefined
  conflict: Conflict | undefined
  /** When the address is looked at next the neighbours are to be told again. */
  reminder: Reminder | undefined
  verdict: Verdict | undefined
}

type Doubt = 'new' | 'rival' | 'outdated'

/** What one Service wants of an address. */
export interface Want {
  readonly key: string
  readonly wanted: WantedAddress
  /** Which verdict it has been told. */
  told: Verdict | undefined
}

export type Phase =
  | { readonly kind: 'idle' }
  /** Another is elected; nobody was heard announcing the address yet. */
  | { readonly kind: 'watching'; interfaces: readonly string[] }
  /** Elected. `found`: who had it when we asked before. */
  | { readonly kind: 'probing'; interfaces: readonly string[]; sent: number; readonly found: Found | undefined }
  | { readonly kind: 'in-use'; interfaces: readonly string[]; readonly found: Found }
  | { readonly kind: 'holding'; interfaces: readonly string[] }
  /** Still answers, until the successor has announced. */
  | {
      readonly kind: 'handing-over'
      interfaces: readonly string[]
      readonly to: string
      readonly isLeaving: boolean
      asked: number
      readonly since: number
      /** When it began, no burst was under way. */
      readonly isToldToTheEnd: boolean
    }

/** A stranger that answers for an address which this node would announce. */
export interface Found {
  readonly mac: string
  readonly interface: string
  /** Gap to the next question. */
  readonly retryMs: number
}

export interface Rival {
  readonly node: string
  /** How long it is left alone after each claim. */
  readonly patienceMs: number
  /** undefined = its time is over. */
  readonly silent: Entry<Appointment> | undefined
}

/** The member that was found answering while only an outdated list gave the address to this node. */
export interface Keeper {
  readonly node: string
  /** The segment is asked again. */
  readonly doubted: Entry<Appointment>
}

/** A stranger uses an address of ours. */
export interface Conflict {
  /** When it was reported and, if we hold the address, answered. */
  reportedAt: number
  seenAt: number
  over: Entry<Appointment> | undefined
}

export interface Reminder {
  readonly rounds: number
  /** undefined = wherever it is answered for. */
  readonly interfaces: readonly string[] | undefined
}

export interface Verdict {
  readonly owned: boolean
  readonly interfaces: readonly string[]
  readonly reason: OwnershipReason
}

/** One step in progress: what the parts of the machine pass to each other. */
export interface Turn {
  readonly state: State
  readonly now: number
  readonly actions: Action[]
}

/** A node that knows nobody, has no interface and wants nothing. */
export function initial(options: Options): State {
  const pace = new Pace(options.roundsPerTick, options.node)
  return {
    options,
    self: { node: options.node, usable: new Map(), isLeaving: false },
    members: { isSettled: false, alive: new Map(), healed: [] },
    work: new Fifo(),
    hasComplete: false,
    services: new Map(),
    lists: new Lists(),
    addresses: new Map(),
    unwanted: new Set(),
    withdrawn: new Map(),
    backlog: { urgent: new Set(), routine: new Set() },
    isBehind: false,
    ownedBy: new Map(),
    handingOver: 0,
    pace,
    schedule: new Schedule(options.refreshIntervalMs, pace),
    questions: new Agenda(),
    deadlines: new Agenda(),
    armedAt: undefined,
    isReleased: false,
  }
}

/** Ten thousand addresses have these in common most of the time, and need no lists and maps of their own. */
const NOTHING: readonly never[] = []
export const IDLE: Phase = { kind: 'idle' }

export function newAddress(ip: string, doubt: Address['doubt']): Address {
  return {
    ip,
    wants: NOTHING,
    owner: undefined,
    doubt,
    keeper: undefined,
    phase: IDLE,
    appointments: NOTHING,
    bursts: NOTHING,
    rival: undefined,
    conflict: undefined,
    reminder: undefined,
    verdict: undefined,
  }
}

/** Everything that was to happen in the phase before happens no more. */
export function enter(state: State, address: Address, phase: Phase): void {
  if (address.phase.kind === 'handing-over') state.handingOver--
  if (phase.kind === 'handing-over') state.handingOver++
  for (const appointment of address.appointments) appointment.isCancelled = true
  address.appointments = NOTHING
  address.phase = phase
}

/** To be done at that time, unless the phase has ended by then. */
export function appoint(state: State, address: Address, what: Appointment['what'], at: number): void {
  const agenda = what === 'probe' || what === 'ask-successor' ? state.questions : state.deadlines
  address.appointments = [...address.appointments, agenda.add(at, { address, what })]
}

/** Interfaces on which this node answers for the address. */
export function heldOn({ phase }: Address): readonly string[] {
  return phase.kind === 'holding' || phase.kind === 'handing-over' ? phase.interfaces : []
}

export function isSameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return a.length === b.length && a.every((item, index) => item === b[index])
}
