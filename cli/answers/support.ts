/** The answers of status, doctor and bundle. */

import type { Missing } from '../bundle/archive.ts'
import type { ArchiveEntry, BundleAnswer } from '../bundle/command.ts'
import type { SpeakerRecord } from '../bundle/local.ts'
import type { CheckResult, Diagnosis } from '../doctor/examine.ts'
import { CHECK_IDS, type Finding } from '../doctor/finding.ts'
import type { Overview, ProgramRow, SpeakerRow } from '../overview.ts'
import type { SilentService, WaitingService } from '../silent-services.ts'
import { POOL, PROBLEM } from './configuration.ts'
import { code, either, flag, integer, list, object, oneOf, optional, type Shape, text } from './shape.ts'
import { SESSION } from './speakers.ts'

const PROGRAM_MEMBERS = {
  pod: text,
  node: text,
  ready: flag,
  restarts: integer,
  version: optional(text),
  because: optional(text),
}

export const STATUS = object<Overview>({
  namespace: text,
  healthy: flag,
  controllers: list(object<ProgramRow>(PROGRAM_MEMBERS)),
  leader: optional(text),
  speakers: list(
    object<SpeakerRow>({
      ...PROGRAM_MEMBERS,
      links: optional(list(text)),
      hears: optional(list(text)),
      sessions: optional(list(SESSION)),
    }),
  ),
  nodesWithout: list(text),
  pools: list(POOL),
  services: object<Overview['services']>({
    served: integer,
    waiting: list(object<WaitingService>({ service: text, because: text })),
    silent: list(
      object<SilentService>({
        service: text,
        addresses: list(text),
        reason: code(),
        because: text,
      }),
    ),
  }),
  problems: list(PROBLEM),
  reported: list(object<Overview['reported'][number]>({ by: text, message: text })),
  conflicts: list(object<Overview['conflicts'][number]>({ service: text, address: text, because: text })),
})

export const DOCTOR = object<Diagnosis>({
  findings: list(
    object<Finding>({
      id: oneOf(CHECK_IDS),
      severity: oneOf(['error', 'warning', 'notice']),
      object: object<Finding['object']>({ kind: text, namespace: optional(text), name: text }),
      what: text,
      remedy: text,
    }),
  ),
  checks: list(
    object<CheckResult>({
      id: oneOf(CHECK_IDS),
      outcome: oneOf(['well', 'found', 'skipped']),
      because: optional(text),
    }),
  ),
})

const anything: Shape<object> = { schema: { type: 'object' } }

/** The second form is that of `--local`. */
export const BUNDLE = either(
  object<BundleAnswer>({
    file: text,
    bytes: integer,
    entries: list(object<ArchiveEntry>({ path: text, bytes: integer })),
    missing: list(object<Missing>({ what: text, because: text })),
  }),
  object<{ readonly speakers: readonly SpeakerRecord[] }>({
    speakers: list(
      object<SpeakerRecord>({
        node: text,
        facts: anything,
        peers: anything,
        routes: anything,
        activity: anything,
        metrics: text,
      }),
    ),
  }),
)
