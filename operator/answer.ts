/** The API server's answers, read. Pure. */
import { ApiError, type Status } from './api-error.ts'
import type { Resource } from './resource.ts'

/** One page of a list, or all of it. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Where a watch may begin; the same for all pages of one list. */
  readonly resourceVersion: string
  /** Present where more follows. */
  readonly continueToken: string | undefined
}

/** A list as the API server sends it. */
export interface ListBody<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items?: readonly T[] | null
}

/** @throws ApiError `malformed` */
export function pageOf<T>(list: ListBody<T>, resource: Resource): Page<T> {
  const { resourceVersion, continue: token } = list.metadata ?? {}
  if (resourceVersion === undefined) throw new ApiError('malformed', `list ${resource.plural}: no resourceVersion`)
  return { items: list.items ?? [], resourceVersion, continueToken: token === '' ? undefined : token }
}

/** @throws ApiError `malformed` */
export function parseBody<T>(what: string, body: string): T {
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed === 'object' && parsed !== null) return parsed as T
  } catch (cause) {
    throw new ApiError('malformed', `${what}: the answer is not JSON`, { cause })
  }
  throw new ApiError('malformed', `${what}: the answer is no object`)
}

/** The Status that a refusal carries; of other answers, what can be shown of them. */
export function statusOf(body: string): Status {
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Status) : {}
  } catch {
    // A proxy between us and the API server answers in plain text or HTML: its first line is the best there is.
    return { message: body.slice(0, 200).split('\n')[0] ?? '' }
  }
}
