import { MESSAGE_TYPES, type MessageType } from '../../../net/bgp/index.ts'

type Counts = Record<MessageType, number>

const NONE: Readonly<Counts> = { open: 0, update: 0, notification: 0, keepalive: 0, 'route-refresh': 0 }
/** Where the type stands in a message (RFC 4271 section 4.1). */
const TYPE_AT = 18

/** Messages of one peer, both ways, over all its sessions. */
export class MessageCounts {
  readonly sent: Counts = { ...NONE }
  readonly received: Counts = { ...NONE }
  receivedPrefixes = 0

  /** `message` is whole, of our own making. */
  countSent(message: Uint8Array): void {
    for (const type of Object.keys(MESSAGE_TYPES) as MessageType[]) {
      if (MESSAGE_TYPES[type] === message[TYPE_AT]) this.sent[type]++
    }
  }
}
