/**
 * Builds whole UPDATE messages around attributes that are encoded already. One message says one thing (RFC 7606 section
 * 5.1): withdrawn routes, or MP_UNREACH_NLRI, or NLRI, or MP_REACH_NLRI, and the latter two stand first.
 */
import { Writer } from '../../bytes/index.ts'
import { EXTENDED_LENGTH } from '../message/attribute.ts'
import { writeHeader } from '../message/header.ts'
import { type AddressFamily, ATTRIBUTES, FAMILY_CODES, FLAGS, HEADER_LENGTH } from '../message/index.ts'
import type { AttributeGroup } from './attribute-group.ts'
import type { Carriage } from './carriage.ts'

/** Header and the two length fields. */
const EMPTY_UPDATE_LENGTH = HEADER_LENGTH + 4
/** Flags, type, two octets of length; AFI and SAFI. */
const UNREACH_OVERHEAD = 4 + 3
/** As above, and the length of the next hop and the reserved octet. */
const REACH_OVERHEAD = UNREACH_OVERHEAD + 2
const LONGEST_SHORT_VALUE = 255

/** Octets that are left for prefixes in a message that announces routes of the group; may be negative. */
export function roomForRoutes(group: AttributeGroup, maximumLength: number): number {
  const plain = maximumLength - EMPTY_UPDATE_LENGTH - group.attributes.length
  const { carriage } = group
  return carriage.kind === 'multiprotocol' ? plain - REACH_OVERHEAD - carriage.nextHop.length : plain
}

export function roomForWithdrawals(carriage: Carriage['kind'], maximumLength: number): number {
  const plain = maximumLength - EMPTY_UPDATE_LENGTH
  return carriage === 'multiprotocol' ? plain - UNREACH_OVERHEAD : plain
}

export function announce(group: AttributeGroup, prefixes: readonly Uint8Array[]): Uint8Array {
  const { carriage, attributes } = group
  const length = totalLength(prefixes)
  if (carriage.kind !== 'multiprotocol') {
    return compose(attributes.length + length, (writer) => {
      writer.u16(0).u16(attributes.length).bytes(attributes)
      for (const prefix of prefixes) writer.bytes(prefix)
    })
  }
  const valueLength = 3 + 1 + carriage.nextHop.length + 1 + length
  const attributesLength = headLength(valueLength) + valueLength + attributes.length
  return compose(attributesLength, (writer) => {
    writer.u16(0).u16(attributesLength)
    writeHead(writer, ATTRIBUTES.MP_REACH_NLRI, group.family, valueLength)
    writer.u8(carriage.nextHop.length).bytes(carriage.nextHop).u8(0)
    for (const prefix of prefixes) writer.bytes(prefix)
    writer.bytes(attributes)
  })
}

/** IPv4 routes go as they came: in the field of their own, or in MP_UNREACH_NLRI if MP_REACH_NLRI announced them. */
export function withdraw(
  family: AddressFamily,
  carriage: Carriage['kind'],
  prefixes: readonly Uint8Array[],
): Uint8Array {
  const length = totalLength(prefixes)
  if (carriage !== 'multiprotocol') {
    return compose(length, (writer) => {
      writer.u16(length)
      for (const prefix of prefixes) writer.bytes(prefix)
      writer.u16(0)
    })
  }
  const valueLength = 3 + length
  const attributesLength = headLength(valueLength) + valueLength
  return compose(attributesLength, (writer) => {
    writer.u16(0).u16(attributesLength)
    writeHead(writer, ATTRIBUTES.MP_UNREACH_NLRI, family, valueLength)
    for (const prefix of prefixes) writer.bytes(prefix)
  })
}

function compose(contentLength: number, fill: (writer: Writer) => void): Uint8Array {
  const message = new Uint8Array(EMPTY_UPDATE_LENGTH + contentLength)
  writeHeader(message, 'update')
  fill(new Writer(message.subarray(HEADER_LENGTH)))
  return message
}

function headLength(valueLength: number): number {
  return valueLength > LONGEST_SHORT_VALUE ? 4 : 3
}

function writeHead(writer: Writer, type: number, family: AddressFamily, valueLength: number): void {
  const { afi, safi } = FAMILY_CODES[family]
  if (valueLength > LONGEST_SHORT_VALUE) {
    writer
      .u8(FLAGS.optionalNonTransitive | EXTENDED_LENGTH)
      .u8(type)
      .u16(valueLength)
  } else {
    writer.u8(FLAGS.optionalNonTransitive).u8(type).u8(valueLength)
  }
  writer.u16(afi).u8(safi)
}

function totalLength(prefixes: readonly Uint8Array[]): number {
  let length = 0
  for (const prefix of prefixes) length += prefix.length
  return length
}
