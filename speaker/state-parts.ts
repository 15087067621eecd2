/**
 * The last known state in parts, so that ten thousand Services are never serialized at one go: what the API server says
 * meanwhile would have to wait.
 */
import { deserialize, serialize } from 'node:v8'
import type { ToWire } from './wire/messages.ts'

type WithServices = Extract<ToWire, { readonly services: readonly unknown[] }>

/** The first part, and then Services of the messages in it. */
export type StatePart =
  | { readonly kind: 'outline'; readonly node: string; readonly messages: readonly ToWire[] }
  | { readonly kind: 'services'; readonly message: number; readonly services: WithServices['services'] }

/** What takes about a millisecond to serialize. */
const SERVICES_A_PART = 250
const LENGTH_BYTES = 4

/** What is yielded is of the moment of the first call, as the messages and their Services are never changed. */
export function* statePartsOf(node: string, messages: readonly ToWire[]): Generator<StatePart> {
  const outline = messages.map((message) => (hasServices(message) ? { ...message, services: [] } : message))
  yield { kind: 'outline', node, messages: outline }
  for (const [index, message] of messages.entries()) {
    if (!hasServices(message)) continue
    for (let at = 0; at < message.services.length; at += SERVICES_A_PART) {
      yield { kind: 'services', message: index, services: message.services.slice(at, at + SERVICES_A_PART) }
    }
  }
}

/** Its length, then itself. */
export function serializePart(part: StatePart): Buffer {
  const bytes = serialize(part)
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

export interface State {
  readonly node: string | undefined
  readonly messages: readonly ToWire[]
}

/** @param bytes of parts in the order of `statePartsOf`, whole */
export function readParts(bytes: Buffer): State {
  let node: string | undefined
  let messages: ToWire[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    at += LENGTH_BYTES
    const part = deserialize(bytes.subarray(at, at + length)) as StatePart
    at += length
    if (part.kind === 'outline') {
      node = part.node
      messages = [...part.messages]
    } else {
      const services = (messages[part.message] as WithServices).services as unknown[]
      services.push(...part.services)
    }
  }
  return { node, messages }
}

function hasServices(message: ToWire): message is WithServices {
  return message.kind === 'desired' || message.kind === 'routes'
}
