/** meta/v1 Condition, as Services and ConfigurationStates carry it. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  /** CamelCase. */
  readonly reason: string
  readonly message: string
  /** RFC 3339, to the second. */
  readonly lastTransitionTime: string
  readonly observedGeneration?: number
}

export type ConditionSaying = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/** Whether the list already says this; when it was said does not matter. */
export function says(conditions: readonly Condition[], wanted: ConditionSaying): boolean {
  const present = conditions.find(({ type }) => type === wanted.type)
  return (
    present !== undefined &&
    present.status === wanted.status &&
    present.reason === wanted.reason &&
    present.message === wanted.message
  )
}

/**
 * The list with one condition said, the others untouched. `lastTransitionTime` moves only when `status` does.
 * `nowMs` is the time of day in milliseconds since 1970.
 */
export function withCondition(
  conditions: readonly Condition[],
  wanted: ConditionSaying,
  nowMs: number,
): readonly Condition[] {
  const present = conditions.find(({ type }) => type === wanted.type)
  const stays = present !== undefined && present.status === wanted.status
  const lastTransitionTime = stays ? present.lastTransitionTime : timestamp(nowMs)
  return [...conditions.filter(({ type }) => type !== wanted.type), { ...wanted, lastTransitionTime }]
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function timestamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z')
}
