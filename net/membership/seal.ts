import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { DecodeError } from '../bytes/index.ts'
import {
  decodeHeartbeat,
  encodeHeartbeat,
  type Heartbeat,
  MAX_INTERFACE_NAME_BYTES,
  MAX_NODE_NAME_BYTES,
  MAX_SEGMENTS,
} from './heartbeat.ts'

const SIGNATURE_BYTES = 32
const FIXED_BYTES = 4 + 16 + 16 + 1 + 1
const SEGMENT_BYTES = 1 + MAX_INTERFACE_NAME_BYTES + 6 + 1
/** The longest datagram there can be; it fits an Ethernet frame, so heartbeats are never fragmented. */
export const MAX_DATAGRAM_BYTES = FIXED_BYTES + MAX_NODE_NAME_BYTES + MAX_SEGMENTS * SEGMENT_BYTES + SIGNATURE_BYTES

/** Why a datagram is no heartbeat of ours. */
export type Unsealable = 'oversized' | 'forged' | 'malformed'

export type Unsealed =
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'refused'; readonly because: Unsealable }

/** The heartbeat followed by its HMAC-SHA256 (RFC 2104) in full: what goes on the wire. */
export function seal(heartbeat: Heartbeat, key: Uint8Array): Uint8Array {
  const body = encodeHeartbeat(heartbeat)
  const datagram = new Uint8Array(body.length + SIGNATURE_BYTES)
  datagram.set(body)
  datagram.set(sign(body, key), body.length)
  return datagram
}

/** Any of the keys will do, so that keys can be changed one node after the other. Nothing is parsed before it is verified. */
export function unseal(datagram: Uint8Array, keys: readonly Uint8Array[]): Unsealed {
  if (datagram.length > MAX_DATAGRAM_BYTES) return { kind: 'refused', because: 'oversized' }
  if (datagram.length < SIGNATURE_BYTES) return { kind: 'refused', because: 'malformed' }
  const body = datagram.subarray(0, -SIGNATURE_BYTES)
  const signature = datagram.subarray(-SIGNATURE_BYTES)
  if (!keys.some((key) => isEqual(sign(body, key), signature))) return { kind: 'refused', because: 'forged' }
  try {
    return { kind: 'heartbeat', heartbeat: decodeHeartbeat(body) }
  } catch (error) {
    if (error instanceof DecodeError) return { kind: 'refused', because: 'malformed' }
    throw error
  }
}

/**
 * By key, the state of the hash once the key has gone into it: half of all that signing so short a text costs. What is
 * kept follows from the key alone, and goes with it.
 */
const prepared = new WeakMap<Uint8Array, ReturnType<typeof hmac.create>>()

function sign(body: Uint8Array, key: Uint8Array): Uint8Array {
  let started = prepared.get(key)
  if (started === undefined) {
    started = hmac.create(sha256, key)
    prepared.set(key, started)
  }
  return started.clone().update(body).digest()
}

/** Looks at every byte whatever it finds, so that the time taken tells a forger nothing. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (let index = 0; index < a.length; index++) difference |= a[index]! ^ b[index]!
  return difference === 0
}
