import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hex } from '../../testkit/hex.ts'
import { DecodeError } from '../bytes/index.ts'
import { ETHERNET_HEADER_BYTES, parseMac } from '../ethernet/index.ts'
import { formatAddress, parseAddress } from '../ip/index.ts'
import { announceRouter, decodeRouterAdvertisement } from './router-advertisement.ts'

/** Built field by field from RFC 8200 section 3 and RFC 4861 section 4.2; the checksum was summed by hand. */
const ADVERTISEMENT = hex`
  60000000 0018 3a ff                     # version 6, 24 octets, ICMPv6, hop limit 255
  fe800000000000000000000000000001        # source
  ff020000000000000000000000000001        # all nodes
  86 00 3925 40 00 0000                   # advertisement, hop limit 64, lifetime 0
  00000000 00000000                       # timers
  01 01 020000000001                      # source link-layer address`

const SOURCE = parseAddress('fe80::1')!
const MAC = parseMac('02:00:00:00:00:01')!

test('decodes', () => {
  const { source, lifetimeSeconds } = decodeRouterAdvertisement(ADVERTISEMENT)
  assert.deepEqual([formatAddress(source), lifetimeSeconds], ['fe80::1', 0])
})

test('encodes, to the group of all nodes', () => {
  const frame = announceRouter(MAC, SOURCE)
  assert.deepEqual(frame.subarray(0, ETHERNET_HEADER_BYTES), hex`333300000001 020000000001 86dd`)
  assert.deepEqual(frame.subarray(ETHERNET_HEADER_BYTES), ADVERTISEMENT)
})

describe('RFC 4861 section 6.1.2: silently discarded', () => {
  const rows: [string, number, number][] = [
    ['a hop limit below 255: it has come through a router', 7, 254],
    ['a source that is not link-local', 8, 0x20],
    ['a code other than 0', 41, 1],
    ['a checksum that is wrong', 42, 0],
    ['an option of length 0', 57, 0],
  ]
  for (const [what, at, octet] of rows) {
    test(what, () => {
      const bytes = ADVERTISEMENT.slice()
      bytes[at] = octet
      assert.throws(() => decodeRouterAdvertisement(bytes), DecodeError)
    })
  }

  test('every truncation', () => {
    for (let length = 0; length < ADVERTISEMENT.length; length++) {
      assert.throws(() => decodeRouterAdvertisement(ADVERTISEMENT.subarray(0, length)), DecodeError)
    }
  })

  test('every change of one octet is told apart, or refused', () => {
    for (let at = 0; at < ADVERTISEMENT.length; at++) {
      const bytes = ADVERTISEMENT.slice()
      bytes[at]! ^= 0x55
      try {
        decodeRouterAdvertisement(bytes)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
      }
    }
  })
})
