/** What can go wrong between Invar and the API server, sorted by what the caller can do about it. */

/**
 * - `conflict`: the object changed meanwhile, or exists already: read again, decide again
 * - `not-found`: no such object, or no such resource (a CRD that is not installed)
 * - `gone`: the resource version or the continue token is too old: list anew
 * - `invalid`: the request itself is wrong: the same request will never succeed
 * - `unauthorized`, `forbidden`: credentials or rights
 * - `throttled`: the server asks for patience; see {@link ApiError.retryAfterMs}
 * - `unavailable`: nobody there, connection cut, or 5xx
 * - `timeout`: no answer in time; a write may or may not have happened
 * - `malformed`: an answer that is no answer
 * - `fenced`: not sent, or given up, because leadership could not be shown valid
 * - `aborted`: the caller gave up
 */
export const API_ERROR_KINDS = [
  'conflict',
  'not-found',
  'gone',
  'invalid',
  'unauthorized',
  'forbidden',
  'throttled',
  'unavailable',
  'timeout',
  'malformed',
  'fenced',
  'aborted',
] as const
export type ApiErrorKind = (typeof API_ERROR_KINDS)[number]

export interface ApiErrorDetail {
  /** HTTP status; absent where no answer came. */
  readonly code?: number | undefined
  /** `reason` of the server's Status, e.g. `AlreadyExists`. */
  readonly reason?: string | undefined
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** Thrown by everything in this folder that asks the API server. */
export class ApiError extends Error {
  readonly kind: ApiErrorKind
  readonly code: number | undefined
  readonly reason: string | undefined
  /** How long the server asked to wait. */
  readonly retryAfterMs: number | undefined

  constructor(kind: ApiErrorKind, message: string, detail: ApiErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = 'ApiError'
    this.kind = kind
    this.code = detail.code
    this.reason = detail.reason
    this.retryAfterMs = detail.retryAfterMs
  }
}

/** meta/v1 Status, as far as it is read here. */
export interface Status {
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly details?: { readonly retryAfterSeconds?: number }
}

const KIND_OF_CODE: Readonly<Record<number, ApiErrorKind>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'invalid',
  408: 'timeout',
  409: 'conflict',
  410: 'gone',
  413: 'invalid',
  415: 'invalid',
  422: 'invalid',
  429: 'throttled',
}

/** The error that an HTTP status stands for. `what` names the request: `get services default/web`. */
export function apiErrorOfStatus(what: string, code: number, status: Status, retryAfter?: string): ApiError {
  // A 5xx with Retry-After is how an API server says that it is overloaded or starting.
  const kind = KIND_OF_CODE[code] ?? (code >= 500 ? 'unavailable' : 'invalid')
  const seconds = retryAfterSeconds(retryAfter) ?? status.details?.retryAfterSeconds
  return new ApiError(kind, `${what}: ${code} ${status.message ?? status.reason ?? 'no message'}`, {
    code,
    reason: status.reason,
    retryAfterMs: seconds === undefined || seconds <= 0 ? undefined : Math.min(seconds, MAX_RETRY_AFTER_SECONDS) * 1000,
  })
}

/** Longest wait that a server can impose: more is a mistake, and would leave us blind. */
export const MAX_RETRY_AFTER_SECONDS = 60

/** RFC 9110 §10.2.3; the API server sends seconds, never a date. */
function retryAfterSeconds(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,9}$/.test(header.trim())) return undefined
  return Number(header)
}

/** Any failure on the way as an ApiError; one that is one already stays as it is. */
export function asApiError(what: string, error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const message = error instanceof Error && error.message !== '' ? error.message : String(error)
  return new ApiError('unavailable', `${what}: ${message}`, { cause: error })
}

/** Whether the same request may succeed later without anything being changed by us. */
export function isTransient(error: ApiError): boolean {
  return error.kind === 'throttled' || error.kind === 'unavailable' || error.kind === 'timeout'
}

/** Runs a request and gives `undefined` where it fails with one of the kinds. */
export async function unless<T>(kinds: readonly ApiErrorKind[], run: Promise<T>): Promise<T | undefined> {
  try {
    return await run
  } catch (error) {
    if (error instanceof ApiError && kinds.includes(error.kind)) return undefined
    throw error
  }
}
