/** All checks on one set of facts. Pure. */
import { addressConflict, configurationProblem, poolNotAnnounced, poolOverlaps } from './addresses.ts'
import type { DoctorFacts } from './facts.ts'
import { CHECK_IDS, type CheckId, type Finding, type Outcome, type Severity } from './finding.ts'
import {
  crdMissing,
  crdOutdated,
  namespaceRestricted,
  rightMissing,
  webhookUnreachable,
  webhookUntrusted,
} from './install.ts'
import { linkDown, nodeExcluded, rpFilter, sessionDown, strictArp, uplinkLost } from './nodes.ts'
import {
  controllerDown,
  membershipSecret,
  membersUnheard,
  portTaken,
  socketFault,
  speakerDown,
  speakerMissing,
  versionSkew,
} from './programs.ts'
import { rivalLoadBalancer, statusWrittenByOthers } from './rivals.ts'

const MADE_BY: Readonly<Record<CheckId, (facts: DoctorFacts) => Outcome>> = {
  'crd-missing': crdMissing,
  'crd-outdated': crdOutdated,
  'namespace-restricted': namespaceRestricted,
  'right-missing': rightMissing,
  'controller-down': controllerDown,
  'speaker-down': speakerDown,
  'speaker-missing': speakerMissing,
  'version-skew': versionSkew,
  'membership-secret': membershipSecret,
  'members-unheard': membersUnheard,
  'port-taken': portTaken,
  'socket-fault': socketFault,
  'rival-load-balancer': rivalLoadBalancer,
  'status-written-by-others': statusWrittenByOthers,
  'webhook-untrusted': webhookUntrusted,
  'webhook-unreachable': webhookUnreachable,
  'strict-arp': strictArp,
  'rp-filter': rpFilter,
  'link-down': linkDown,
  'uplink-lost': uplinkLost,
  'node-excluded': nodeExcluded,
  'session-down': sessionDown,
  'configuration-problem': configurationProblem,
  'pool-overlaps': poolOverlaps,
  'pool-not-announced': poolNotAnnounced,
  'address-conflict': addressConflict,
}

export interface Diagnosis {
  /** The worst first. */
  readonly findings: readonly Finding[]
  /** In the order of `CHECKS`. */
  readonly checks: readonly CheckResult[]
}

export interface CheckResult {
  readonly id: CheckId
  /** `skipped`: it could not be made, `because` says why. */
  readonly outcome: 'well' | 'found' | 'skipped'
  readonly because?: string
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, notice: 2 }

export function examine(facts: DoctorFacts): Diagnosis {
  const outcomes = CHECK_IDS.map((id) => ({ id, outcome: MADE_BY[id](facts) }))
  const findings = outcomes.flatMap(({ id, outcome }) =>
    'unknown' in outcome ? [] : outcome.map((found): Finding => ({ id, ...found })),
  )
  return {
    findings: findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity]),
    checks: outcomes.map(({ id, outcome }) => {
      if ('unknown' in outcome) return { id, outcome: 'skipped', because: outcome.unknown }
      return { id, outcome: outcome.length === 0 ? 'well' : 'found' }
    }),
  }
}
