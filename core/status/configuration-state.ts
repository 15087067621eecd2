import type { ConfigurationState, OwnerReference } from '../../crds/index.ts'
import type { Problem } from '../config/problem.ts'
import { type Condition, type ConditionSaying, says, withCondition } from './condition.ts'

/** Who reports: each program judges what it applies. */
export type Component = { readonly kind: 'controller' } | { readonly kind: 'speaker'; readonly node: string }

/** What is known of the configuration; `unknown`: it could not be read or compiled, `message` says why. */
export type Judgement =
  | { readonly kind: 'judged'; readonly problems: readonly Problem[] }
  | { readonly kind: 'unknown'; readonly message: string }

type Status = NonNullable<ConfigurationState['status']>

/** Problems told in one summary. */
const PROBLEMS_TOLD = 50

/** The object without its status, as it is to be created where it is missing. */
export function configurationStateObject(
  component: Component,
  namespace: string,
  owner: OwnerReference | undefined,
): ConfigurationState {
  const labels: Record<string, string> = { 'metallb.io/component-type': component.kind }
  if (component.kind === 'speaker') labels['metallb.io/node-name'] = component.node
  const metadata = { name: configurationStateName(component), namespace, labels }
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'ConfigurationState',
    metadata: owner === undefined ? metadata : { ...metadata, ownerReferences: [owner] },
  }
}

export function configurationStateName(component: Component): string {
  return component.kind === 'controller' ? 'controller' : `speaker-${component.node}`
}

/** The whole status to be written; undefined = `shown` says it already. `nowMs` is the time of day. */
export function configurationStatus(
  component: Component,
  judgement: Judgement,
  shown: Status | undefined,
  nowMs: number,
): Status | undefined {
  const { result, errorSummary, status, reason, message } = verdict(judgement)
  const type = component.kind === 'controller' ? 'poolReconcilerValid' : 'configReconcilerValid'
  const wanted: ConditionSaying = { type, status, reason, message }
  const conditions: readonly Condition[] = shown?.conditions ?? []
  if (shown?.result === result && (shown.errorSummary ?? '') === errorSummary && says(conditions, wanted)) {
    return undefined
  }
  return { result, errorSummary, conditions: [...withCondition(conditions, wanted, nowMs)] }
}

/** Reasons of the condition of a ConfigurationState. */
export type ConfigurationReason = 'Reconciled' | 'ConfigurationError' | 'UnknownError'

interface Verdict extends Omit<ConditionSaying, 'type'> {
  readonly reason: ConfigurationReason
  readonly result: NonNullable<Status['result']>
  readonly errorSummary: string
}

function verdict(judgement: Judgement): Verdict {
  if (judgement.kind === 'unknown') {
    const { message } = judgement
    return { result: 'Unknown', errorSummary: message, status: 'Unknown', reason: 'UnknownError', message }
  }
  const blocking = judgement.problems.filter(({ severity }) => severity !== 'notice')
  if (blocking.length === 0) {
    return {
      result: 'Valid',
      errorSummary: '',
      status: 'True',
      reason: 'Reconciled',
      message: 'the configuration is in force',
    }
  }
  const told = blocking.slice(0, PROBLEMS_TOLD).map(({ message }) => message)
  if (blocking.length > PROBLEMS_TOLD) told.push(`and ${blocking.length - PROBLEMS_TOLD} more`)
  const errorSummary = told.join('\n')
  return { result: 'Invalid', errorSummary, status: 'False', reason: 'ConfigurationError', message: errorSummary }
}
