/**
 * Message header (RFC 4271 section 4.1), 19 octets before every message:
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------------------------------------------------------+
 *    |                  Marker: sixteen octets of ones               |
 *    +-------------------------------+---------------+---------------+
 *    |  Length, header included      |     Type      |
 *    +-------------------------------+---------------+
 */
import { Writer } from '../../bytes/index.ts'
import { type Notification, notification } from './notification.ts'

export const HEADER_LENGTH = 19
const MARKER_LENGTH = 16
const LENGTH_OFFSET = 16
const TYPE_OFFSET = 18

/** RFC 4271 section 4.1. */
export const MAXIMUM_MESSAGE_LENGTH = 4096
/** RFC 8654 section 4, once both sides have the capability; never for OPEN and KEEPALIVE. */
export const MAXIMUM_EXTENDED_LENGTH = 65_535

export const MESSAGE_TYPES = { open: 1, update: 2, notification: 3, keepalive: 4, 'route-refresh': 5 } as const
export type MessageType = keyof typeof MESSAGE_TYPES

/** Least length of a message of each type, header included (RFC 4271 section 6.1, RFC 2918 section 3). */
const MINIMUM_LENGTHS: Readonly<Record<MessageType, number>> = {
  open: 29,
  update: 23,
  notification: 21,
  keepalive: 19,
  'route-refresh': 23,
}

const TYPE_NAMES = new Map<number, MessageType>(
  Object.entries(MESSAGE_TYPES).map(([name, number]) => [number, name as MessageType]),
)

export interface Header {
  readonly type: MessageType
  /** Of the whole message. */
  readonly length: number
}

/**
 * Reads the first 19 of `bytes`; a header that is wrong yields the NOTIFICATION to answer with (RFC 4271 section 6.1).
 * `maximumLength` is 4096, or 65535 where we have offered extended messages.
 */
export function readHeader(bytes: Uint8Array, maximumLength: number): Header | Notification {
  for (let at = 0; at < MARKER_LENGTH; at++) {
    if (bytes[at] !== 0xff) return notification('message-header-error', 'connection-not-synchronized')
  }
  const length = (bytes[LENGTH_OFFSET]! << 8) | bytes[LENGTH_OFFSET + 1]!
  const badLength = () =>
    notification('message-header-error', 'bad-message-length', bytes.slice(LENGTH_OFFSET, LENGTH_OFFSET + 2))
  if (length < HEADER_LENGTH || length > maximumLength) return badLength()
  const type = TYPE_NAMES.get(bytes[TYPE_OFFSET]!)
  if (type === undefined) {
    return notification('message-header-error', 'bad-message-type', bytes.slice(TYPE_OFFSET, TYPE_OFFSET + 1))
  }
  return length < MINIMUM_LENGTHS[type] || length > maximumLengthOf(type, maximumLength)
    ? badLength()
    : { type, length }
}

function maximumLengthOf(type: MessageType, negotiated: number): number {
  if (type === 'keepalive') return HEADER_LENGTH
  return type === 'open' ? MAXIMUM_MESSAGE_LENGTH : negotiated
}

/** A whole message around its body. */
export function frameMessage(type: MessageType, body: Uint8Array): Uint8Array {
  const length = HEADER_LENGTH + body.length
  const message = new Uint8Array(length)
  writeHeader(message, type)
  message.set(body, HEADER_LENGTH)
  return message
}

/** Fills in the header of a message whose buffer has its exact length. */
export function writeHeader(message: Uint8Array, type: MessageType): void {
  message.fill(0xff, 0, MARKER_LENGTH)
  new Writer(message.subarray(LENGTH_OFFSET, HEADER_LENGTH)).u16(message.length).u8(MESSAGE_TYPES[type])
}
