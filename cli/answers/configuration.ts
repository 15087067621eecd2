/** The answers of the commands about files, pools and the configuration. */
import type { ObjectRef, Problem } from '../../core/config/index.ts'
import type { FileProblem, LintResult } from '../lint.ts'
import type { Plan, PlannedService } from '../plan.ts'
import { EFFECTS } from '../plan.ts'
import type { Fill, PoolRow } from '../pools.ts'
import { bigInteger, flag, integer, list, object, oneOf, optional, text } from './shape.ts'

const REFERENCE = object<ObjectRef>({ kind: text, namespace: text, name: text })

const PROBLEM_MEMBERS = {
  object: REFERENCE,
  related: optional(list(REFERENCE)),
  path: text,
  rule: text,
  message: text,
  severity: oneOf(['error', 'waiting', 'notice']),
}
export const PROBLEM = object<Problem>(PROBLEM_MEMBERS)

export const LINT = object<LintResult>({
  problems: list(object<FileProblem>({ ...PROBLEM_MEMBERS, file: text, line: integer })),
  checked: integer,
  passedOver: integer,
})

const FILL = object<Fill>({ inUse: bigInteger, total: bigInteger })
export const POOL = object<PoolRow>({
  name: text,
  addresses: list(text),
  autoAssign: flag,
  avoidBuggyIPs: flag,
  priority: optional(integer),
  ipv4: FILL,
  ipv6: FILL,
  services: integer,
  isInForce: flag,
  quarantined: list(text),
  notes: list(text),
})
export const POOLS = object<{ readonly pools: readonly PoolRow[] }>({ pools: list(POOL) })

export const PLAN = object<Plan>({
  services: list(
    object<PlannedService>({
      service: text,
      effect: oneOf(EFFECTS),
      before: list(text),
      after: list(text),
      pool: optional(text),
      because: optional(text),
      regardless: flag,
    }),
  ),
  counts: object<Plan['counts']>({ loses: integer, moves: integer, gains: integer, waits: integer, keeps: integer }),
  problems: object<Plan['problems']>({ appear: list(PROBLEM), vanish: list(PROBLEM) }),
  refused: list(PROBLEM),
})
