/**
 * NOTIFICATION (RFC 4271 section 4.5): says why the connection is closed, and closes it.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------+---------------+-------------------------------+
 *    |  Error code   | Error subcode |   Data (variable)
 *    +---------------+---------------+-------------------------------+
 */
import { Reader, Writer } from '../../bytes/index.ts'
import { describeError, ERRORS, type ErrorName, type SubcodeName } from './error-code.ts'

export interface Notification {
  readonly code: number
  readonly subcode: number
  readonly data: Uint8Array
}

const NO_DATA = new Uint8Array(0)

/** A NOTIFICATION by the names of the error table. */
export function notification<E extends ErrorName>(
  error: E,
  subcode: SubcodeName<E>,
  data: Uint8Array = NO_DATA,
): Notification {
  const { code, subcodes } = ERRORS[error]
  return { code, subcode: (subcodes as Record<SubcodeName<E>, number>)[subcode], data }
}

/** Whether a NOTIFICATION is of the kind named. */
export function isNotification<E extends ErrorName>(given: Notification, error: E, subcode: SubcodeName<E>): boolean {
  const wanted = notification(error, subcode)
  return given.code === wanted.code && given.subcode === wanted.subcode
}

export function decodeNotification(body: Uint8Array): Notification {
  const reader = new Reader(body)
  return { code: reader.u8(), subcode: reader.u8(), data: reader.rest() }
}

export function encodeNotification(value: Notification): Uint8Array {
  return new Writer().u8(value.code).u8(value.subcode).bytes(value.data).finish()
}

/** RFC 9003 section 2: one length octet, so 255 octets of UTF-8 at most. */
const LONGEST_SHUTDOWN_TEXT = 255
const CONTINUATION_MASK = 0xc0
const CONTINUATION = 0x80

/** Data of a Cease "administrative shutdown" or "administrative reset" (RFC 9003); what does not fit is cut off. */
export function encodeShutdownText(text: string): Uint8Array {
  const utf8 = new TextEncoder().encode(text)
  let length = Math.min(utf8.length, LONGEST_SHUTDOWN_TEXT)
  // Never cut a character in half: step back to the start of the one that does not fit.
  while (length < utf8.length && length > 0 && (utf8[length]! & CONTINUATION_MASK) === CONTINUATION) length--
  return new Writer().u8(length).bytes(utf8.subarray(0, length)).finish()
}

/**
 * The peer's words (RFC 9003), or undefined where the NOTIFICATION carries none or breaks the format. Control
 * characters become blanks: the text goes to logs and terminals.
 */
export function shutdownText(value: Notification): string | undefined {
  const carriesText =
    isNotification(value, 'cease', 'administrative-shutdown') || isNotification(value, 'cease', 'administrative-reset')
  const length = value.data[0]
  if (!carriesText || length === undefined || length === 0 || length !== value.data.length - 1) return undefined
  const text = new TextDecoder().decode(value.data.subarray(1))
  return text.replace(/\p{Cc}|\p{Cf}/gu, ' ')
}

/** RFC 8538 section 3: Cease "hard reset" wraps the NOTIFICATION that a peer with the N bit would else take as graceful. */
export function hardReset(inner: Notification): Notification {
  return notification('cease', 'hard-reset', encodeNotification(inner))
}

/** What a hard reset wraps; any other NOTIFICATION as it is. */
export function withinHardReset(value: Notification): Notification {
  if (!isNotification(value, 'cease', 'hard-reset') || value.data.length < 2) return value
  return decodeNotification(value.data)
}

/** For people: `cease: administrative shutdown "rebooting at noon"`. */
export function describeNotification(value: Notification): string {
  const inner = withinHardReset(value)
  const text = shutdownText(inner)
  const words = describeError(inner.code, inner.subcode) + (text === undefined ? '' : ` "${text}"`)
  return inner === value ? words : `${words} (hard reset)`
}
