import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { DecodeError, Reader, Writer } from '../bytes/index.ts'

/**
 * What a speaker says of itself, many times a second:
 *
 *      0                   4         5         6                   8
 *     | magic "INVR"      | version | flags   | interval, ms      |
 *     | boot id, microseconds since 1970 (8)                      |
 *     | sequence number (8)                                       |
 *     | length | node name … | count | length | interface name …  |
 *     | HMAC-SHA256 over all of the above (32)                    |
 */
export interface Heartbeat {
  /** Kubernetes node name. */
  readonly node: string
  /** Start of the sender's process: larger than that of every process before it on this node. */
  readonly bootId: bigint
  /** Grows with every heartbeat of one boot; copies on several ways carry the same number. */
  readonly sequence: bigint
  /** The sender's interval: after how long its silence means something is for the sender to say. */
  readonly intervalMs: number
  /** The sender is going: it will not send again, and others should take its addresses now. */
  readonly isLeaving: boolean
  /** Sent to one receiver and not by multicast, because the sender does not hear that receiver by multicast. */
  readonly isUnicast: boolean
  /** Names of the interfaces on which the sender can announce. */
  readonly interfaces: readonly string[]
}

/** No heartbeat is longer; fits every link's MTU. */
export const MAX_HEARTBEAT_BYTES = 1_200
/** RFC 1123 subdomain, as Kubernetes limits node names. */
export const MAX_NODE_NAME_BYTES = 253
/** IFNAMSIZ - 1. */
export const MAX_INTERFACE_NAME_BYTES = 15
export const MAX_INTERFACES = 32
export const MIN_INTERVAL_MS = 20
export const MAX_INTERVAL_MS = 60_000

const MAGIC = 0x494e5652
const VERSION = 1
const FLAG_LEAVING = 0x01
const FLAG_UNICAST = 0x02
const HMAC_BYTES = 32

const textEncoder = new TextEncoder()
const textDecoder = new TextDecoder('utf-8', { fatal: true })

/** The bytes of a heartbeat, signed with `key`. Names must keep to the limits above: a longer one is a fault of ours. */
export function encodeHeartbeat(heartbeat: Heartbeat, key: Uint8Array): Uint8Array {
  const body = encodeBody(heartbeat)
  const datagram = new Uint8Array(body.length + HMAC_BYTES)
  datagram.set(body)
  datagram.set(hmac(sha256, key, body), body.length)
  return datagram
}

export type Verdict =
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'ignore'; readonly because: 'too-long' | 'too-short' | 'bad-authentication' | 'malformed' }

/** Checks a datagram against every key, then reads it. Nothing of it is looked at before it is authenticated. */
export function verifyHeartbeat(datagram: Uint8Array, keys: readonly Uint8Array[]): Verdict {
  if (datagram.length > MAX_HEARTBEAT_BYTES) return { kind: 'ignore', because: 'too-long' }
  if (datagram.length <= HMAC_BYTES) return { kind: 'ignore', because: 'too-short' }
  const body = datagram.subarray(0, -HMAC_BYTES)
  const code = datagram.subarray(-HMAC_BYTES)
  if (!keys.some((key) => isEqual(hmac(sha256, key, body), code))) {
    return { kind: 'ignore', because: 'bad-authentication' }
  }
  try {
    return { kind: 'heartbeat', heartbeat: decodeBody(body) }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { kind: 'ignore', because: 'malformed' }
  }
}

/** In a time that does not tell where the first difference is. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at++) difference |= a[at]! ^ (b[at] ?? 0)
  return difference === 0
}

/** The part that is signed. */
export function encodeBody(heartbeat: Heartbeat): Uint8Array {
  const flags = (heartbeat.isLeaving ? FLAG_LEAVING : 0) | (heartbeat.isUnicast ? FLAG_UNICAST : 0)
  const writer = new Writer()
    .u32(MAGIC)
    .u8(VERSION)
    .u8(flags)
    .u16(heartbeat.intervalMs)
    .u64(heartbeat.bootId)
    .u64(heartbeat.sequence)
  writeName(writer, heartbeat.node)
  writer.u8(heartbeat.interfaces.length)
  for (const name of heartbeat.interfaces) writeName(writer, name)
  return writer.finish()
}

function writeName(writer: Writer, name: string): void {
  const bytes = textEncoder.encode(name)
  writer.u8(bytes.length).bytes(bytes)
}

/** @throws DecodeError */
export function decodeBody(bytes: Uint8Array): Heartbeat {
  const reader = new Reader(bytes)
  if (reader.u32() !== MAGIC) throw new DecodeError('malformed', 0, 'the magic number is another')
  const version = reader.u8()
  if (version !== VERSION) throw new DecodeError('unsupported', 4, `version ${version}, not ${VERSION}`)
  const flags = reader.u8()
  const intervalMs = reader.u16()
  if (intervalMs < MIN_INTERVAL_MS || intervalMs > MAX_INTERVAL_MS) {
    throw new DecodeError('malformed', 6, `an interval of ${intervalMs} ms`)
  }
  const bootId = reader.u64()
  const sequence = reader.u64()
  const node = readName(reader, MAX_NODE_NAME_BYTES)
  const count = reader.u8()
  if (count > MAX_INTERFACES) throw new DecodeError('too-long', reader.offset - 1, `${count} interfaces`)
  const interfaces = Array.from({ length: count }, () => readName(reader, MAX_INTERFACE_NAME_BYTES))
  reader.expectEnd('heartbeat')
  const isLeaving = (flags & FLAG_LEAVING) !== 0
  const isUnicast = (flags & FLAG_UNICAST) !== 0
  return { node, bootId, sequence, intervalMs, isLeaving, isUnicast, interfaces }
}

function readName(reader: Reader, limit: number): string {
  const at = reader.offset
  const length = reader.u8()
  if (length === 0) throw new DecodeError('malformed', at, 'an empty name')
  if (length > limit) throw new DecodeError('too-long', at, `a name of ${length} bytes, the limit is ${limit}`)
  try {
    return textDecoder.decode(reader.take(length))
  } catch (error) {
    if (error instanceof DecodeError) throw error
    throw new DecodeError('malformed', at + 1, 'a name that is not UTF-8')
  }
}
