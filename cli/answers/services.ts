/** The answers of the commands about Services: explain, owners, drain. */
import type { ReportedConflict } from '../../core/status/index.ts'
import type { Answering } from '../announced-cluster.ts'
import type { DrainPlan, DrainRow } from '../drain.ts'
import type { AsksFor, Explanation, PoolAnswer, Shows } from '../explain.ts'
import type { BgpAnswer, ExcludedCandidate, Layer2Answer } from '../explain-announcement.ts'
import type { OwnerCandidate, OwnerRow } from '../owners.ts'
import type { ShownEvent } from '../service-details.ts'
import {
  code,
  either,
  exactly,
  flag,
  integer,
  list,
  object,
  oneOf,
  optional,
  record,
  type Shape,
  text,
} from './shape.ts'

const EXCLUDED = object<ExcludedCandidate>({ node: text, reason: code(), sentence: text })
const LAYER2: Shape<Layer2Answer> = either(
  object<Extract<Layer2Answer, { announces: true }>>({
    announces: exactly(true),
    candidates: list(text),
    interfaces: record(list(text)),
    excluded: list(EXCLUDED),
  }),
  object<Extract<Layer2Answer, { announces: false }>>({
    announces: exactly(false),
    because: code(),
    detail: text,
    excluded: list(EXCLUDED),
  }),
)

export const EXPLAIN = object<Explanation>({
  service: text,
  summary: text,
  outcome: oneOf(['assigned', 'waiting', 'not-load-balancer', 'not-ours', 'being-deleted']),
  addresses: list(text),
  pool: optional(text),
  message: text,
  asksFor: object<AsksFor>({
    addresses: optional(list(text)),
    pool: optional(text),
    sharingKey: optional(text),
    families: list(oneOf(['IPv4', 'IPv6'])),
    fault: optional(text),
  }),
  pools: list(object<PoolAnswer>({ pool: text, standing: code(), reason: optional(text), sentence: text })),
  sharedWith: list(object<Explanation['sharedWith'][number]>({ address: text, services: list(text) })),
  layer2: LAYER2,
  bgp: list(
    object<BgpAnswer>({
      node: text,
      announces: flag,
      advertisements: optional(list(text)),
      peers: optional(list(text)),
      because: optional(code()),
      detail: optional(text),
    }),
  ),
  shows: object<Shows>({
    addresses: list(text),
    condition: optional(text),
    lastEvent: optional(object<ShownEvent>({ type: text, reason: text, message: text, at: text })),
    announcedBy: list(object<Shows['announcedBy'][number]>({ node: text, interfaces: list(text) })),
  }),
})

export const OWNERS = object<{ readonly owners: readonly OwnerRow[] }>({
  owners: list(
    object<OwnerRow>({
      service: text,
      addresses: list(text),
      answeredBy: list(object<Answering>({ node: text, interfaces: list(text), since: text })),
      because: text,
      order: list(object<OwnerCandidate>({ node: text, score: integer, keepsIt: flag, last: optional(text) })),
      excluded: list(object<OwnerRow['excluded'][number]>({ node: text, reason: text, sentence: text })),
      conflicts: list(object<Pick<ReportedConflict, 'address' | 'because'>>({ address: text, because: text })),
    }),
  ),
})

export const DRAIN = object<DrainPlan>({
  node: text,
  services: list(
    object<DrainRow>({ service: text, addresses: list(text), to: optional(text), because: optional(text) }),
  ),
  counts: object<DrainPlan['counts']>({ moves: integer, loses: integer, stays: integer }),
})
