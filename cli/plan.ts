/** `invarctl plan`: what a change of objects would do to the addresses of Services. Pure. */
import { requestOf, type ServiceRequest } from '../core/allocate/index.ts'
import { compile, type Problem } from '../core/config/index.ts'
import type { ClusterState } from './cluster-state.ts'
import { adoptedLedger, type Settlement, settle } from './settle.ts'

/**
 * - `keeps`: it has the same addresses
 * - `gains`: it gets one, or one more
 * - `moves`: it gets another
 * - `loses`: it has one, or one of two, and does not get another
 * - `waits`: it has none, and gets none
 */
export const EFFECTS = ['loses', 'moves', 'gains', 'waits', 'keeps'] as const
export type Effect = (typeof EFFECTS)[number]

export interface PlannedService {
  /** `namespace/name`. */
  readonly service: string
  readonly effect: Effect
  /** Addresses that its status shows. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Pool of `after`. */
  readonly pool?: string
  /** Why it does not keep what it has, or why it waits. */
  readonly because?: string
  /** The same would happen without the change: no controller has decided yet. */
  readonly regardless: boolean
}

export interface Plan {
  /** Those that lose first, then those that move, gain, wait, keep; in each group by name. */
  readonly services: readonly PlannedService[]
  readonly counts: Readonly<Record<Effect, number>>
  /** Of the configuration: those that would be there and are not, and those that are there and would not be. */
  readonly problems: { readonly appear: readonly Problem[]; readonly vanish: readonly Problem[] }
  /** What the webhook would refuse; the plan is without it. */
  readonly refused: readonly Problem[]
}

/**
 * @param present the cluster @param changed the same with the change
 * @param refused why the webhook would not let parts of it pass
 */
export function plan(present: ClusterState, changed: ClusterState, refused: readonly Problem[] = []): Plan {
  const now = compile(present.resources)
  // A controller that runs keeps the last good form of what the change spoils.
  const then = compile(changed.resources, now.snapshot)
  const presentRequests = requestsOf(present)
  const withoutChange = settle(adoptedLedger(now.snapshot, presentRequests, present.conflicts), presentRequests)
  const ledger = adoptedLedger(now.snapshot, presentRequests, present.conflicts)
  const changedRequests = requestsOf(changed)
  const remaining = new Set(changedRequests.map(({ key }) => key))
  for (const { key } of presentRequests) if (!remaining.has(key)) ledger.forget(key, 0)
  ledger.configure(then.snapshot)
  const settled = settle(ledger, changedRequests)
  const services = [
    ...[...settled.values()].flatMap((one) => plannedService(one, withoutChange.get(one.request.key))),
    ...presentRequests.filter(({ key }) => !remaining.has(key)).flatMap(plannedDeletion),
  ].sort(byEffect)
  const counts = Object.fromEntries(
    EFFECTS.map((effect) => [effect, services.filter((s) => s.effect === effect).length]),
  )
  return {
    services,
    counts: counts as Record<Effect, number>,
    refused,
    problems: { appear: missingIn(now.problems, then.problems), vanish: missingIn(then.problems, now.problems) },
  }
}

function requestsOf({ services, request }: ClusterState): readonly ServiceRequest[] {
  return services.map((service) => requestOf(service, request))
}

/** Nothing for a Service that neither has nor wants an address of ours. */
function plannedService(settlement: Settlement, withoutChange: Settlement | undefined): readonly PlannedService[] {
  const { request, decision } = settlement
  const { outcome, pool, addresses: after } = decision
  const before = request.statusAddresses
  const isOurs = outcome.kind === 'assigned' || outcome.kind === 'waiting'
  if (!isOurs && (!decision.changed || before.length === 0)) return []
  const effect = effectOf(before, after)
  const because = reasonOf(settlement, effect)
  const regardless = effect !== 'keeps' && withoutChange?.decision.addresses.join() === after.join()
  return [
    {
      ...{ service: request.key, effect, before, after },
      ...(pool === undefined ? {} : { pool }),
      ...(because === undefined ? {} : { because }),
      regardless,
    },
  ]
}

function plannedDeletion({ key, isLoadBalancer, classMatches, statusAddresses }: ServiceRequest) {
  if (!isLoadBalancer || !classMatches || statusAddresses.length === 0) return []
  const because = 'the Service itself is deleted'
  return [{ service: key, effect: 'loses', before: statusAddresses, after: [], because, regardless: false } as const]
}

function effectOf(before: readonly string[], after: readonly string[]): Effect {
  const [had, has] = [new Set(before), new Set(after)]
  if (had.size === 0) return has.size === 0 ? 'waits' : 'gains'
  if (had.isSubsetOf(has)) return has.size > had.size ? 'gains' : 'keeps'
  return has.isSubsetOf(had) ? 'loses' : 'moves'
}

function reasonOf({ decision, events }: Settlement, effect: Effect): string | undefined {
  if (effect === 'keeps' || effect === 'gains') return undefined
  const cleared = events.find(({ reason }) => reason === 'ClearAssignment')
  return effect === 'waits' ? decision.message : (cleared?.message ?? decision.message)
}

function byEffect(a: PlannedService, b: PlannedService): number {
  return EFFECTS.indexOf(a.effect) - EFFECTS.indexOf(b.effect) || (a.service < b.service ? -1 : 1)
}

function missingIn(problems: readonly Problem[], among: readonly Problem[]): readonly Problem[] {
  const identity = ({ object, rule, path }: Problem) => [object.kind, object.name, rule, path].join(' ')
  const known = new Set(problems.map(identity))
  return among.filter((one) => !known.has(identity(one)))
}
