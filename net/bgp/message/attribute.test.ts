import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codecLaws } from '../../../testkit/codec-laws.ts'
import { hex, toHex } from '../../../testkit/hex.ts'
import { type Prefix, parseAddress, parsePrefix, prefixOf } from '../../ip/index.ts'
import {
  type AsPathSegment,
  type CeaseReason,
  compareLargeCommunities,
  decodeAsPath,
  decodeMpReach,
  decodeMpUnreach,
  decodePrefixes,
  describeNotification,
  ERRORS,
  encodeAsPath,
  encodeMpReach,
  encodeMpUnreach,
  encodePrefix,
  encodePrefixes,
  encodeShutdownText,
  formatCommunity,
  formatLargeCommunity,
  hardReset,
  type LargeCommunity,
  notification,
  shutdownText,
  withinHardReset,
} from './index.ts'

const prefix = (text: string) => parsePrefix(text)!

codecLaws<readonly AsPathSegment[]>({
  name: 'AS_PATH of four octets',
  decode: (value) => decodeAsPath(value, 4),
  encode: (segments) => encodeAsPath(segments, 4),
  goldens: [
    {
      name: 'one sequence',
      bytes: hex`02 02 0000fc00 fa56ea00`,
      value: [{ kind: 'sequence', asns: [64_512, 4_200_000_000] }],
    },
    {
      name: 'every kind of segment',
      bytes: hex`01 01 00000001 02 01 00000002 03 01 00000003 04 01 00000004`,
      value: [
        { kind: 'set', asns: [1] },
        { kind: 'sequence', asns: [2] },
        { kind: 'confederation-sequence', asns: [3] },
        { kind: 'confederation-set', asns: [4] },
      ],
    },
  ],
  // An empty path is a path, and so are whole segments.
  wholeAt: ({ bytes }) =>
    Array.from({ length: bytes.length }, (_, at) => at).filter((at) => at === 0 || (bytes.length > 10 && at % 6 === 0)),
  crashers: [
    { name: 'segment of no ASN', bytes: hex`02 00`, refused: 'malformed' },
    { name: 'segment type 5', bytes: hex`05 01 00000001`, refused: 'malformed' },
    { name: 'AS 0 (RFC 7607)', bytes: hex`02 01 00000000`, refused: 'malformed' },
    { name: 'two-octet path read as four', bytes: hex`02 01 fc00`, refused: 'truncated' },
  ],
})

codecLaws<readonly AsPathSegment[]>({
  name: 'AS_PATH of two octets',
  decode: (value) => decodeAsPath(value, 2),
  encode: (segments) => encodeAsPath(segments, 2),
  goldens: [
    {
      name: 'AS_TRANS in place of a long one',
      bytes: hex`02 02 fc00 5ba0`,
      value: [{ kind: 'sequence', asns: [64_512, 23_456] }],
    },
  ],
  wholeAt: () => [0],
})

for (const [family, texts, bytes, boundaries] of [
  [
    4,
    ['0.0.0.0/0', '10.0.0.0/8', '192.0.2.64/27', '192.0.2.77/32'],
    hex`00 08 0a 1b c0000240 20 c000024d`,
    [0, 1, 3, 8],
  ],
  [
    6,
    ['::/0', '2001:db8::/64', '2001:db8::70/124'],
    hex`00 40 20010db800000000 7c 20010db8000000000000000000000070`,
    [0, 1, 10],
  ],
] as const) {
  codecLaws<readonly Prefix[]>({
    name: `IPv${family} prefixes`,
    decode: (value) => decodePrefixes(value, family),
    encode: encodePrefixes,
    goldens: [{ name: texts.join(' '), bytes, value: texts.map(prefix) }],
    wholeAt: () => boundaries,
    crashers: [{ name: 'longer than an address', bytes: hex`81 ${new Uint8Array(17)}`, refused: 'malformed' }],
  })
}

codecLaws({
  name: 'MP_REACH_NLRI',
  decode: decodeMpReach,
  encode: encodeMpReach,
  goldens: [
    {
      name: 'global and link-local next hop',
      bytes: hex`0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 00`,
      value: {
        afi: 2,
        safi: 1,
        nextHop: hex`20010db8000000000000000000000001 fe800000000000000000000000000001`,
        nlri: hex`00`,
      },
    },
  ],
  wholeAt: ({ bytes }) => [bytes.length - 1],
})

codecLaws({
  name: 'MP_UNREACH_NLRI',
  decode: decodeMpUnreach,
  encode: encodeMpUnreach,
  goldens: [{ name: 'one prefix', bytes: hex`0002 01 00`, value: { afi: 2, safi: 1, withdrawn: hex`00` } }],
  wholeAt: () => [3],
})

test('addresses masked to the aggregation length, as they go on the wire', () => {
  for (const [address, length, bytes] of [
    ['192.0.2.77', 24, '18c00002'],
    ['192.0.2.77', 27, '1bc0000240'],
    ['192.0.2.77', 32, '20c000024d'],
    ['2001:db8::77', 64, '4020010db800000000'],
    ['2001:db8::77', 124, '7c20010db8000000000000000000000070'],
    ['2001:db8::77', 128, '8020010db8000000000000000000000077'],
  ] as const) {
    assert.equal(toHex(encodePrefix(prefixOf(parseAddress(address)!, length))), bytes)
  }
})

test('bits behind the length are ignored on receipt', () => {
  assert.deepEqual(decodePrefixes(hex`1b c000025f`, 4), [prefix('192.0.2.64/27')])
})

test('communities for people', () => {
  assert.equal(formatCommunity(0xfc00_0064), '64512:100')
  assert.equal(formatCommunity(0xffff_0000), 'GRACEFUL_SHUTDOWN')
  assert.equal(formatCommunity(0xffff_ff01), 'NO_EXPORT')
  assert.equal(formatLargeCommunity([4_200_000_000, 1, 2]), '4200000000:1:2')
  const sorted: LargeCommunity[] = [
    [1, 1, 1],
    [1, 1, 2],
    [1, 2, 0],
    [2, 0, 0],
  ]
  assert.deepEqual([...sorted].reverse().sort(compareLargeCommunities), sorted)
})

test('every error has its words', () => {
  const words = Object.entries(ERRORS).flatMap(([, { code, subcodes }]) =>
    Object.values(subcodes).map((subcode) => describeNotification({ code, subcode, data: hex`` })),
  )
  assert.equal(new Set(words).size, words.length)
  assert.ok(words.includes('open message error: bad peer AS') && words.includes('cease: BFD down'))
  assert.equal(describeNotification({ code: 6, subcode: 77, data: hex`` }), 'cease: subcode 77')
  assert.equal(describeNotification({ code: 99, subcode: 1, data: hex`` }), 'error 99/1')
})

test('RFC 9003: words of the shutdown', () => {
  const say = (reason: CeaseReason, data: Uint8Array) => shutdownText(notification('cease', reason, data))
  assert.equal(say('administrative-shutdown', encodeShutdownText('back at noon ☕')), 'back at noon ☕')
  assert.equal(say('administrative-reset', encodeShutdownText('x')), 'x')
  assert.equal(say('peer-deconfigured', encodeShutdownText('x')), undefined, 'not one that carries text')
  assert.equal(say('administrative-shutdown', hex``), undefined)
  assert.equal(say('administrative-shutdown', hex`00`), undefined)
  assert.equal(say('administrative-shutdown', hex`05 61`), undefined, 'length and text disagree')
  assert.equal(say('administrative-shutdown', hex`05 61 1b 0a 5b 62`), 'a  [b', 'no escape sequences in terminals')
  assert.equal(say('administrative-shutdown', hex`01 ff`), '\ufffd')
  const long = encodeShutdownText('ä'.repeat(200))
  assert.equal(long[0], 254, 'no character is cut in half')
  assert.equal(say('administrative-shutdown', long), 'ä'.repeat(127))
})

test('RFC 8538: a hard reset wraps its reason', () => {
  const inner = notification('cease', 'administrative-shutdown', encodeShutdownText('gone'))
  assert.deepEqual(withinHardReset(hardReset(inner)), inner)
  assert.equal(describeNotification(hardReset(inner)), 'cease: administrative shutdown "gone" (hard reset)')
  const empty = notification('cease', 'hard-reset')
  assert.equal(withinHardReset(empty), empty)
})
