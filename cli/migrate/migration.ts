/** A migration as it stands: what is there, what would change, what is to be done. Pure. */
import type { ClusterState } from '../cluster-state.ts'
import { type Finding, findingsOf, summaryOf } from './findings.ts'
import { type Found, releaseOf, versionOf } from './found.ts'
import { type Phase, phaseOf, type Step, sentenceOf, stepsOf } from './steps.ts'

export interface Migration {
  readonly phase: Phase
  readonly summary: string
  readonly namespace: string
  readonly version?: string
  readonly findings: readonly Finding[]
  /** In their order; each in one sentence, with every object's name. */
  readonly steps: readonly string[]
  /** What the user is to run when the steps are done. */
  readonly next: readonly string[]
}

export interface Judged {
  readonly migration: Migration
  readonly steps: readonly Step[]
}

/** @param state undefined = the resources of metallb.io are not there */
export function judgeMigration(found: Found, state: ClusterState | undefined): Judged {
  const phase = phaseOf(found)
  const steps = stepsOf(found)
  const version = versionOf(found)
  const isThere = phase !== 'nothing-to-do' && phase !== 'remains'
  const migration = {
    ...{ phase, summary: summaryFor(phase, found, state), namespace: found.namespace },
    ...(version === undefined ? {} : { version }),
    findings: isThere ? findingsOf(found, state) : [],
    steps: steps.map(sentenceOf),
    next: nextCommands(phase, found),
  }
  return { migration, steps }
}

function summaryFor(phase: Phase, found: Found, state: ClusterState | undefined): string {
  const { namespace, invar, leftPods } = found
  switch (phase) {
    case 'nothing-to-do':
      return invar.controller === undefined
        ? `there is no MetalLB in namespace ${namespace}`
        : `Invar works in namespace ${namespace}, and nothing of MetalLB is left`
    case 'metallb-works':
      return summaryOf(found, state)
    case 'invar-missing':
      return `MetalLB's controller is gone, ${leftPods.length} of its speakers announce what they know; Invar is not installed yet`
    case 'hand-over':
      return `Invar is installed in namespace ${namespace}, and its speakers wait for ${leftPods.length} of MetalLB's to go`
    default:
      return `Invar works in namespace ${namespace}; there are things of MetalLB that nobody needs`
  }
}

const AGAIN = 'invarctl migrate from-metallb --yes'

function nextCommands(phase: Phase, found: Found): readonly string[] {
  if (phase === 'nothing-to-do' || phase === 'remains' || phase === 'hand-over') return []
  const release = releaseOf(found)
  const { namespace } = found
  if (release === undefined) return ['kubectl apply -k deploy/', AGAIN]
  return [
    `helm get values ${release} --namespace ${namespace} --output yaml > metallb-values.yaml`,
    `helm upgrade ${release} charts/invar --namespace ${namespace} --values metallb-values.yaml`,
    AGAIN,
  ]
}
