/** Writing status only where it differs from what is there. */
import type { Client, WriteOptions } from './client.ts'
import type { KubernetesObject, ObjectMeta, Resource } from './resource.ts'
import type { Condition } from './resources.ts'

/** A JSON merge patch (RFC 7386): null deletes, lists are replaced whole. */
export type MergePatch = Readonly<Record<string, unknown>>

/**
 * The patch that makes `current` what `desired` says; undefined where it is so already. Keys of `desired` decide:
 * others of `current` are left alone, one level down as well only where `desired` names the key. A key whose value is
 * undefined is deleted.
 */
export function mergePatchOf(current: unknown, desired: Readonly<Record<string, unknown>>): MergePatch | undefined {
  const before = isRecord(current) ? current : {}
  const patch: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(desired)) {
    const difference = differenceOf(before[key], value)
    if (difference !== undefined) patch[key] = difference
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}

/** undefined = equal; null = delete. Below the first level, what `desired` does not name is deleted. */
function differenceOf(current: unknown, desired: unknown): unknown {
  if (desired === undefined) return current === undefined ? undefined : null
  if (!isRecord(desired)) return isEqual(current, desired) ? undefined : desired
  const removed = Object.keys(isRecord(current) ? current : {}).filter((key) => !(key in desired))
  const whole = { ...desired, ...Object.fromEntries(removed.map((key) => [key, undefined])) }
  const patch = mergePatchOf(current, whole)
  // An empty object is a value too: {} where there was nothing.
  return patch === undefined && current === undefined ? {} : patch
}

/** Deep equality of what JSON can say; undefined members do not count. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]))
  }
  if (!isRecord(a) || !isRecord(b)) return Object.is(a, b)
  return Object.keys({ ...a, ...b }).every((key) => isEqual(a[key], b[key]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export interface StatusWrite {
  /** What the status shall hold; keys that are not named are left alone, undefined deletes. */
  readonly status?: Readonly<Record<string, unknown>>
  /**
   * Annotations to set, undefined deletes. The API server takes them together with the status of its own kinds (a
   * Service), not of custom resources.
   */
  readonly annotations?: Readonly<Record<string, string | undefined>>
}

export interface StatusWriteOptions extends WriteOptions {
  /**
   * Default true: refused with `conflict` where anybody changed the object since it was read. What was decided on
   * the old object is then decided anew, and a write that was held up on its way cannot undo a later one.
   */
  readonly isLocked?: boolean
}

/** What {@link writeStatus} would send; undefined = nothing differs. */
export function statusPatchOf(object: KubernetesObject, write: StatusWrite, isLocked = true): MergePatch | undefined {
  const { status } = object as { readonly status?: unknown }
  const statusPatch = write.status === undefined ? undefined : mergePatchOf(status, write.status)
  const annotations = mergePatchOf(object.metadata.annotations, write.annotations ?? {})
  if (statusPatch === undefined && annotations === undefined) return undefined
  const lock: Partial<ObjectMeta> =
    isLocked && object.metadata.resourceVersion !== undefined
      ? { resourceVersion: object.metadata.resourceVersion }
      : {}
  const metadata = annotations === undefined ? lock : { ...lock, annotations }
  return statusPatch === undefined ? { metadata } : { metadata, status: statusPatch }
}

/**
 * Patches the status subresource where something differs.
 * @param object as it was read: what is compared with, and, by its resourceVersion, what the write insists on
 * @returns the object after the write; undefined where nothing was written
 * @throws ApiError; `conflict` where the object changed meanwhile
 */
export async function writeStatus<T extends KubernetesObject>(
  client: Pick<Client, 'patch'>,
  resource: Resource<T>,
  object: T,
  write: StatusWrite,
  options: StatusWriteOptions = {},
): Promise<T | undefined> {
  const { isLocked = true, ...rest } = options
  const patch = statusPatchOf(object, write, isLocked)
  if (patch === undefined) return undefined
  return await client.patch(resource, object.metadata, patch, { ...rest, subresource: 'status' })
}

/** A condition without the time, which only changes with its status. */
export type ConditionToSet = Omit<Condition, 'lastTransitionTime'>

/**
 * The list with this condition in it. Others' conditions stay where they are; the time of the last transition moves
 * only with the status.
 * @returns the very list that was given where nothing differs
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  condition: ConditionToSet,
  wallMs: number,
): readonly Condition[] {
  const list = conditions ?? []
  const before = list.find((each) => each.type === condition.type)
  const lastTransitionTime =
    before?.status === condition.status
      ? before.lastTransitionTime
      : new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z')
  const after: Condition = { ...condition, lastTransitionTime }
  if (before === undefined) return [...list, after]
  return isEqual(before, after) && conditions !== undefined
    ? conditions
    : list.map((each) => (each === before ? after : each))
}
