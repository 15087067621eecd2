/** The answers of the commands that change something, and of version. */

import type { Finding } from '../migrate/findings.ts'
import type { Migration } from '../migrate/migration.ts'
import type { Outcome } from '../migrate/migration-report.ts'
import type { RotateKeyAnswer } from '../rotate-key.ts'
import type { VersionAnswer } from '../version.ts'
import { code, list, object, oneOf, optional, text } from './shape.ts'

interface Name {
  readonly namespace: string
  readonly name: string
}

const NAME = object<Name>({ namespace: text, name: text })

export const VERSION_ANSWER = object<VersionAnswer>({ version: text, node: text, platform: text })

export const ROTATE_KEY = object<RotateKeyAnswer>({ secret: NAME, steps: list(text) })

export const MIGRATE = object<Migration & { readonly outcome: Outcome }>({
  phase: oneOf(['nothing-to-do', 'metallb-works', 'invar-missing', 'hand-over', 'remains']),
  summary: text,
  namespace: text,
  version: optional(text),
  findings: list(object<Finding>({ code: code(), severity: oneOf(['stops', 'changes', 'notice']), message: text })),
  steps: list(text),
  next: list(text),
  outcome: oneOf(['looked', 'refused', 'done']),
})

export const RELEASE_SERVICES = object<{ readonly deployment: Name; readonly released: readonly string[] }>({
  deployment: NAME,
  released: list(text),
})

export const UI = object<{ readonly url: string; readonly pod: Name }>({ url: text, pod: NAME })
