import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { codecLaws } from '../../testkit/codec-laws.ts'
import { hex } from '../../testkit/hex.ts'
import { property } from '../../testkit/property.ts'
import { parseAddress } from '../ip/index.ts'
import {
  BROADCAST_MAC,
  decodeFrame,
  ETHERNET_HEADER_BYTES,
  EtherType,
  encodeFrame,
  type Frame,
  formatMac,
  isGroupMac,
  macAt,
  macToBytes,
  multicastMac,
  parseMac,
} from './index.ts'

const anyMac = fc.nat(0xffff_ffff_ffff)

codecLaws<Frame>({
  name: 'Ethernet frame',
  goldens: [
    {
      name: 'an ARP frame to everybody',
      bytes: hex`
        ffffffffffff # destination
        020000000099 # source
        0806         # ARP
        0001 0800`,
      value: { destination: BROADCAST_MAC, source: 0x020000000099, etherType: EtherType.Arp, payload: hex`00010800` },
    },
    {
      name: 'IPv6 with the highest addresses',
      bytes: hex`333300000001 fffffffffffe 86dd 60`,
      value: { destination: 0x333300000001, source: 0xfffffffffffe, etherType: EtherType.Ipv6, payload: hex`60` },
    },
  ],
  decode: decodeFrame,
  encode: encodeFrame,
  values: fc.record({
    destination: anyMac,
    source: anyMac,
    etherType: fc.nat(0xffff),
    payload: fc.uint8Array({ maxLength: 60 }),
  }),
  // The payload may have any length, none at all included.
  wholeAt: ({ bytes }) => Array.from(bytes, (_, length) => length).filter((length) => length >= ETHERNET_HEADER_BYTES),
})

describe('MAC addresses', () => {
  const refused = [
    '',
    '02:00:00:00:00',
    '02:00:00:00:00:01:02',
    '2:0:0:0:0:1',
    '02-00-00-00-00-01',
    '020000000001',
    'g2:00:00:00:00:01',
  ]
  for (const text of refused) test(`'${text}' is none`, () => assert.equal(parseMac(text), undefined))

  test('either case is read, lower case is written', () => {
    assert.equal(parseMac('0A:bC:00:00:00:0F'), 0x0abc0000000f)
    assert.equal(formatMac(0x0abc0000000f), '0a:bc:00:00:00:0f')
  })

  property('text and bytes name the same address', [anyMac], (mac) => {
    assert.equal(parseMac(formatMac(mac)), mac)
    assert.equal(macAt(macToBytes(mac), 0), mac)
  })

  test('groups have the lowest bit of the first byte set', () => {
    assert.ok(isGroupMac(BROADCAST_MAC))
    assert.ok(isGroupMac(0x333300000001))
    assert.ok(!isGroupMac(0x020000000001))
    assert.ok(!isGroupMac(0xfeffffffffff))
  })

  const groups: readonly [group: string, mac: string][] = [
    ['224.0.0.1', '01:00:5e:00:00:01'],
    ['239.255.1.2', '01:00:5e:7f:01:02'],
    ['ff02::1', '33:33:00:00:00:01'],
    ['ff02::1:ff00:10', '33:33:ff:00:00:10'],
  ]
  for (const [group, mac] of groups) {
    test(`${group} is sent to ${mac}`, () => assert.equal(formatMac(multicastMac(parseAddress(group)!)), mac))
  }
})
