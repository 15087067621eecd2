import { DecodeError } from '../../bytes/index.ts'
import { frameMessage, HEADER_LENGTH, MAXIMUM_MESSAGE_LENGTH, type MessageType, readHeader } from './header.ts'
import { decodeNotification, describeNotification, encodeNotification, type Notification } from './notification.ts'
import { decodeOpen, encodeOpen, type Open } from './open.ts'
import { decodeRouteRefresh, encodeRouteRefresh, type RouteRefresh } from './route-refresh.ts'
import { decodeUpdate, encodeUpdate, type Update } from './update.ts'

/** Any message with its content read. The session reads bodies as its state allows; this is for whoever looks on. */
export type Message =
  | { readonly kind: 'open'; readonly open: Open }
  | { readonly kind: 'update'; readonly update: Update }
  | { readonly kind: 'notification'; readonly notification: Notification }
  | { readonly kind: 'keepalive' }
  | { readonly kind: 'route-refresh'; readonly refresh: RouteRefresh }

/** Exactly one message, header included. Throws DecodeError. */
export function decodeMessage(bytes: Uint8Array, maximumLength: number = MAXIMUM_MESSAGE_LENGTH): Message {
  if (bytes.length < HEADER_LENGTH) throw new DecodeError('truncated', bytes.length, 'no whole header')
  const header = readHeader(bytes, maximumLength)
  if ('code' in header) throw new DecodeError('malformed', 0, describeNotification(header))
  if (bytes.length < header.length) throw new DecodeError('truncated', bytes.length, 'shorter than its header says')
  if (bytes.length > header.length) throw new DecodeError('malformed', header.length, 'longer than its header says')
  return decodeBody(header.type, bytes.subarray(HEADER_LENGTH))
}

/** As MessageStream cuts it out. Throws DecodeError. */
export function decodeBody(type: MessageType, body: Uint8Array): Message {
  switch (type) {
    case 'open':
      return { kind: type, open: decodeOpen(body) }
    case 'update':
      return { kind: type, update: decodeUpdate(body) }
    case 'notification':
      return { kind: type, notification: decodeNotification(body) }
    case 'keepalive':
      return { kind: type }
    case 'route-refresh':
      return { kind: type, refresh: decodeRouteRefresh(body) }
  }
}

export function encodeMessage(message: Message): Uint8Array {
  return frameMessage(message.kind, encodeBody(message))
}

function encodeBody(message: Message): Uint8Array {
  switch (message.kind) {
    case 'open':
      return encodeOpen(message.open)
    case 'update':
      return encodeUpdate(message.update)
    case 'notification':
      return encodeNotification(message.notification)
    case 'keepalive':
      return new Uint8Array(0)
    case 'route-refresh':
      return encodeRouteRefresh(message.refresh)
  }
}
