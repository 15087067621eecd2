import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { codecLaws, type Golden } from '../../../testkit/codec-laws.ts'
import { hex, toHex } from '../../../testkit/hex.ts'
import { property } from '../../../testkit/property.ts'
import { parsePrefix } from '../../ip/index.ts'
import {
  AFI,
  ATTRIBUTES,
  type Capability,
  decodeBody,
  decodeMessage,
  encodeAsPath,
  encodeCommunities,
  encodeLargeCommunities,
  encodeMessage,
  encodeMpReach,
  encodePrefixes,
  endOfRib,
  endOfRibFamily,
  FAMILY_CODES,
  FLAGS,
  type Message,
  MessageStream,
  notification,
  type Open,
  routeRefresh,
} from './index.ts'

const MARKER = hex`ffffffffffffffffffffffffffffffff`
const NONE = new Uint8Array(0)

const prefixes = (...texts: string[]) => encodePrefixes(texts.map((text) => parsePrefix(text)!))
const wellKnown = (type: number, value: Uint8Array) => ({ flags: FLAGS.wellKnown, type, value })
const origin = wellKnown(ATTRIBUTES.ORIGIN, Uint8Array.of(0))
const asPath = (...asns: number[]) =>
  wellKnown(ATTRIBUTES.AS_PATH, encodeAsPath(asns.length === 0 ? [] : [{ kind: 'sequence', asns }], 4))
const nextHop = wellKnown(ATTRIBUTES.NEXT_HOP, hex`c6336402`)
const update = (part: object): Message => ({
  kind: 'update',
  update: { withdrawn: NONE, attributes: [], overrun: NONE, nlri: NONE, ...part },
})

const open = (asn: number, part: Partial<Open> = {}): Message => ({
  kind: 'open',
  open: {
    version: 4,
    myAutonomousSystem: asn > 65_535 ? 23_456 : asn,
    holdTimeSeconds: 90,
    identifier: 0xc000_0201,
    capabilities: [
      { kind: 'multiprotocol', afi: 1, safi: 1 },
      { kind: 'multiprotocol', afi: 2, safi: 1 },
      { kind: 'four-octet-asn', asn },
    ],
    otherParameters: [],
    ...part,
  },
})

/** Composed by hand from the drawings in the RFCs, field by field; never by our encoder. */
const goldens: Golden<Message>[] = [
  {
    name: 'OPEN, ASN 64512',
    bytes: hex`${MARKER} 0031 01 04 fc00 005a c0000201 14 0212 010400010001 010400020001 41040000fc00`,
    value: open(64_512),
  },
  {
    name: 'OPEN, ASN 4200000000',
    bytes: hex`${MARKER} 0031 01 04 5ba0 005a c0000201 14 0212 010400010001 010400020001 4104fa56ea00`,
    value: open(4_200_000_000),
  },
  {
    name: 'OPEN without optional parameters',
    bytes: hex`${MARKER} 001d 01 04 fc00 0000 c0000201 00`,
    value: open(64_512, { holdTimeSeconds: 0, capabilities: [] }),
  },
  {
    name: 'OPEN with one parameter a capability',
    bytes: hex`${MARKER} 0035 01 04 fc00 005a c0000201 18
      0206 010400010001   # multiprotocol, IPv4 unicast
      0206 010400020001   # multiprotocol, IPv6 unicast
      0206 41040000fc00   # four-octet ASN`,
    value: open(64_512),
    only: 'decode',
  },
  {
    name: 'OPEN with every capability',
    bytes: hex`${MARKER} 004d 01 04 fc00 005a c0000201 30 022e
      010400010001              # multiprotocol, IPv4 unicast
      0200                      # route refresh
      0506 0001 0001 0002       # IPv4 unicast may have an IPv6 next hop
      0600                      # extended message
      0901 03                   # role: customer
      400a c078 00010180 00020100   # graceful restart: R and N, 120 s, forwarding preserved for IPv4 only
      4104 0000fc00             # four-octet ASN
      4600                      # enhanced route refresh
      4903 01 61 00             # FQDN (RFC draft), not known to us`,
    value: open(64_512, {
      capabilities: [
        { kind: 'multiprotocol', afi: 1, safi: 1 },
        { kind: 'route-refresh' },
        { kind: 'extended-next-hop', entries: [{ afi: 1, safi: 1, nextHopAfi: AFI.ipv6 }] },
        { kind: 'extended-message' },
        { kind: 'role', role: 3 },
        {
          kind: 'graceful-restart',
          isRestarting: true,
          hasNotificationSupport: true,
          restartTimeSeconds: 120,
          families: [
            { afi: 1, safi: 1, isForwardingPreserved: true },
            { afi: 2, safi: 1, isForwardingPreserved: false },
          ],
        },
        { kind: 'four-octet-asn', asn: 64_512 },
        { kind: 'enhanced-route-refresh' },
        { kind: 'unknown', code: 73, value: hex`016100` },
      ],
    }),
  },
  {
    name: 'OPEN with extended optional parameters (RFC 9072)',
    bytes: hex`${MARKER} 0029 01 04 fc00 005a c0000201 ff ff 0009
      02 0006 41040000fc00`,
    value: open(64_512, { capabilities: [{ kind: 'four-octet-asn', asn: 64_512 }] }),
    only: 'decode',
  },
  {
    name: 'OPEN with an optional parameter of old: authentication',
    bytes: hex`${MARKER} 0020 01 04 fc00 005a c0000201 03 01 01 00`,
    value: open(64_512, { capabilities: [], otherParameters: [{ type: 1, value: hex`00` }] }),
  },
  {
    name: 'UPDATE to eBGP with a community',
    bytes: hex`${MARKER} 0037 02 0000 001b 40010100 40020602010000fc00 400304c6336402 c00804fc000064 20c000020a`,
    value: update({
      attributes: [
        origin,
        asPath(64_512),
        nextHop,
        { flags: FLAGS.optionalTransitive, type: ATTRIBUTES.COMMUNITIES, value: encodeCommunities([0xfc00_0064]) },
      ],
      nlri: prefixes('192.0.2.10/32'),
    }),
  },
  {
    name: 'UPDATE to iBGP',
    bytes: hex`${MARKER} 0030 02 0000 0015 40010100 400200 400304c6336402 40050400000064 18c00002`,
    value: update({
      attributes: [origin, asPath(), nextHop, wellKnown(ATTRIBUTES.LOCAL_PREF, hex`00000064`)],
      nlri: prefixes('192.0.2.0/24'),
    }),
  },
  {
    name: 'UPDATE, IPv6',
    bytes: hex`${MARKER} 004d 02 0000 0036
      800e26 000201 10 20010db8000f00000000000000000002 00 80 20010db8000000000000000000000010
      40010100 40020602010000fc00`,
    value: update({
      attributes: [
        {
          flags: FLAGS.optionalNonTransitive,
          type: ATTRIBUTES.MP_REACH_NLRI,
          value: encodeMpReach({
            ...FAMILY_CODES['ipv6-unicast'],
            nextHop: hex`20010db8000f00000000000000000002`,
            nlri: prefixes('2001:db8::10/128'),
          }),
        },
        origin,
        asPath(64_512),
      ],
    }),
  },
  {
    name: 'UPDATE with a large community and an attribute length of two octets',
    bytes: hex`${MARKER} 0039 02 0000 001d
      40010100
      50020006 02010000fc00                  # AS_PATH, extended length
      c0200c 0000fc00 00000001 00000002      # LARGE_COMMUNITY 64512:1:2
      20c000020a`,
    value: update({
      attributes: [
        origin,
        { ...asPath(64_512), flags: 0x50 },
        {
          flags: FLAGS.optionalTransitive,
          type: ATTRIBUTES.LARGE_COMMUNITY,
          value: encodeLargeCommunities([[64_512, 1, 2]]),
        },
      ],
      nlri: prefixes('192.0.2.10/32'),
    }),
  },
  {
    name: 'withdraw 192.0.2.10/32',
    bytes: hex`${MARKER} 001c 02 0005 20c000020a 0000`,
    value: update({ withdrawn: prefixes('192.0.2.10/32') }),
  },
  { name: 'KEEPALIVE', bytes: hex`${MARKER} 0013 04`, value: { kind: 'keepalive' } },
  { name: 'End-of-RIB, IPv4 unicast', bytes: hex`${MARKER} 0017 02 0000 0000`, value: update({}) },
  {
    name: 'NOTIFICATION, hold timer expired',
    bytes: hex`${MARKER} 0015 03 04 00`,
    value: { kind: 'notification', notification: notification('hold-timer-expired', 'unspecific') },
  },
  {
    name: 'NOTIFICATION, administrative shutdown with a text (RFC 9003)',
    bytes: hex`${MARKER} 001b 03 06 02 05 6e6f6f6e21`,
    value: {
      kind: 'notification',
      notification: notification('cease', 'administrative-shutdown', hex`05 6e6f6f6e21`),
    },
  },
  {
    name: 'ROUTE-REFRESH, IPv6 unicast',
    bytes: hex`${MARKER} 0017 05 0002 00 01`,
    value: { kind: 'route-refresh', refresh: { afi: 2, safi: 1, subtype: 0 } },
  },
]

const octets = (maxLength: number) => fc.uint8Array({ maxLength })
const familyCode = fc.record({ afi: fc.integer({ min: 0, max: 0xffff }), safi: fc.integer({ min: 0, max: 0xff }) })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const u16 = fc.integer({ min: 0, max: 0xffff })

const capabilities: fc.Arbitrary<Capability> = fc.oneof(
  familyCode.map((code) => ({ kind: 'multiprotocol' as const, ...code })),
  fc.constantFrom<Capability>(
    { kind: 'route-refresh' },
    { kind: 'extended-message' },
    { kind: 'enhanced-route-refresh' },
  ),
  fc.integer({ min: 0, max: 255 }).map((role) => ({ kind: 'role' as const, role })),
  u32.map((asn) => ({ kind: 'four-octet-asn' as const, asn })),
  fc.record({
    kind: fc.constant('graceful-restart' as const),
    isRestarting: fc.boolean(),
    hasNotificationSupport: fc.boolean(),
    restartTimeSeconds: fc.integer({ min: 0, max: 4095 }),
    families: fc.array(
      fc.tuple(familyCode, fc.boolean()).map(([code, isForwardingPreserved]) => ({ ...code, isForwardingPreserved })),
      { maxLength: 4 },
    ),
  }),
  octets(40).map((value) => ({ kind: 'unknown' as const, code: 200, value })),
)

const attributes = fc.record({
  flags: fc.integer({ min: 0, max: 255 }),
  type: fc.integer({ min: 0, max: 255 }),
  value: octets(300),
})

const messages: fc.Arbitrary<Message> = fc.oneof(
  fc
    .record({
      version: fc.constant(4),
      myAutonomousSystem: u16,
      holdTimeSeconds: u16,
      identifier: u32,
      capabilities: fc.array(capabilities, { maxLength: 12 }),
      otherParameters: fc.array(fc.record({ type: fc.constantFrom(1, 3, 77), value: octets(60) }), { maxLength: 3 }),
    })
    .map((value) => ({ kind: 'open' as const, open: value })),
  fc
    .record({ withdrawn: octets(60), attributes: fc.array(attributes, { maxLength: 5 }), nlri: octets(60) })
    .map((value) => ({
      kind: 'update' as const,
      // The encoder sets the bit where a value needs it, so only flags that say so come back as they were.
      update: {
        ...value,
        overrun: NONE,
        attributes: value.attributes.map((each) =>
          each.value.length > 255 ? { ...each, flags: each.flags | 16 } : each,
        ),
      },
    })),
  fc
    .record({ code: fc.integer({ min: 0, max: 255 }), subcode: fc.integer({ min: 0, max: 255 }), data: octets(90) })
    .map((value) => ({ kind: 'notification' as const, notification: value })),
)

codecLaws<Message>({
  name: 'BGP message',
  goldens,
  decode: (bytes) => decodeMessage(bytes),
  encode: encodeMessage,
  values: messages,
  receiver: () => {
    const stream = new MessageStream()
    return (chunk) => [...stream.push(chunk)].map((item) => receive(item))
  },
  crashers: [
    { name: 'marker of zeros', bytes: hex`00000000000000000000000000000000 0013 04`, refused: 'malformed' },
    { name: 'length below the header', bytes: hex`${MARKER} 0000 04`, refused: 'malformed' },
    { name: 'KEEPALIVE with a body', bytes: hex`${MARKER} 0014 04 00`, refused: 'malformed' },
    { name: 'type 0', bytes: hex`${MARKER} 0013 00`, refused: 'malformed' },
    {
      name: 'OPEN whose parameters overrun it',
      bytes: hex`${MARKER} 001d 01 04 fc00 005a c0000201 ff`,
      refused: 'truncated',
    },
    {
      name: 'OPEN whose capability overruns its parameter',
      bytes: hex`${MARKER} 0021 01 04 fc00 005a c0000201 04 02 02 41 04`,
      refused: 'truncated',
    },
    {
      name: 'four-octet capability of two octets',
      bytes: hex`${MARKER} 0023 01 04 fc00 005a c0000201 06 02 04 41 02 fc00`,
      refused: 'truncated',
    },
    { name: 'withdrawn routes overrun the message', bytes: hex`${MARKER} 0017 02 ffff 0000`, refused: 'truncated' },
    { name: 'attributes overrun the message', bytes: hex`${MARKER} 0017 02 0000 0001`, refused: 'truncated' },
    {
      name: 'attribute overruns the attributes: judged, not refused',
      bytes: hex`${MARKER} 001b 02 0000 0004 400101ff`,
      refused: undefined,
    },
    { name: 'ROUTE-REFRESH with filters', bytes: hex`${MARKER} 0018 05 0001 00 01 00`, refused: 'malformed' },
  ],
})

/** Bodies are views of the stream's buffer; what is kept is copied. */
function receive(item: ReturnType<MessageStream['push']> extends Generator<infer Item> ? Item : never): Message {
  assert.equal(item.kind, 'frame')
  return item.kind === 'frame' ? decodeBody(item.type, item.body.slice()) : assert.fail()
}

test('messages may come in any pieces', () => {
  const bytes = Uint8Array.from(goldens.flatMap((golden) => [...golden.bytes]))
  for (const size of [2, 18, 19, 20, 57, 1000]) {
    const stream = new MessageStream()
    const received: Message[] = []
    for (let at = 0; at < bytes.length; at += size) {
      for (const item of stream.push(bytes.subarray(at, at + size))) received.push(receive(item))
    }
    assert.deepEqual(
      received,
      goldens.map((golden) => golden.value),
      `${size} bytes at a time`,
    )
  }
})

test('a length that was only announced costs nothing', () => {
  const stream = new MessageStream(65_535)
  assert.deepEqual([...stream.push(hex`${MARKER} ffff 02`)], [])
  assert.equal(stream.buffered, 19)
})

for (const [what, bytes, answer] of [
  [
    'no marker',
    hex`00ffffffffffffffffffffffffffffff 0013 04`,
    notification('message-header-error', 'connection-not-synchronized'),
  ],
  ['a length below 19', hex`${MARKER} 0012 04`, notification('message-header-error', 'bad-message-length', hex`0012`)],
  [
    'a length above 4096',
    hex`${MARKER} 1001 02`,
    notification('message-header-error', 'bad-message-length', hex`1001`),
  ],
  ['a KEEPALIVE of 20', hex`${MARKER} 0014 04`, notification('message-header-error', 'bad-message-length', hex`0014`)],
  ['an OPEN of 28', hex`${MARKER} 001c 01`, notification('message-header-error', 'bad-message-length', hex`001c`)],
  ['type 6', hex`${MARKER} 0013 06`, notification('message-header-error', 'bad-message-type', hex`06`)],
] as const) {
  test(`header with ${what}: the stream says how to answer, and is deaf from then on`, () => {
    const stream = new MessageStream()
    assert.deepEqual([...stream.push(hex`${bytes} ${MARKER} 0013 04`)], [{ kind: 'fault', notification: answer }])
    assert.deepEqual([...stream.push(hex`${MARKER} 0013 04`)], [])
  })
}

test('extended messages: an UPDATE may be long, an OPEN never', () => {
  const long = encodeMessage(update({ nlri: new Uint8Array(60_000) }))
  assert.equal([...new MessageStream(65_535).push(long)][0]?.kind, 'frame')
  assert.equal([...new MessageStream(4096).push(long)][0]?.kind, 'fault')
  const header = hex`${MARKER} 1001 01`
  assert.equal([...new MessageStream(65_535).push(header)][0]?.kind, 'fault')
})

test('an OPEN whose capabilities do not fit into 254 octets takes the form of RFC 9072', () => {
  const many = Array.from({ length: 30 }, (_, index) => ({
    kind: 'unknown' as const,
    code: 200,
    value: new Uint8Array(index),
  }))
  const message = open(64_512, { capabilities: many })
  const bytes = encodeMessage(message)
  assert.equal(toHex(bytes.subarray(28, 30)), 'ffff')
  assert.deepEqual(decodeMessage(bytes), message)
})

test('End-of-RIB is known for what it is', () => {
  const familyOf = (bytes: Uint8Array) => {
    const message = decodeMessage(bytes)
    return message.kind === 'update' ? endOfRibFamily(message.update) : assert.fail()
  }
  assert.equal(familyOf(endOfRib('ipv4-unicast')), 'ipv4-unicast')
  assert.equal(familyOf(endOfRib('ipv6-unicast')), 'ipv6-unicast')
  assert.equal(toHex(endOfRib('ipv6-unicast')), toHex(hex`${MARKER} 001d 02 0000 0006 800f03 000201`))
  assert.equal(familyOf(hex`${MARKER} 001c 02 0005 20c000020a 0000`), undefined)
  assert.equal(familyOf(hex`${MARKER} 001e 02 0000 0007 800f04 000201 00`), undefined, 'a route is withdrawn')
  assert.equal(familyOf(hex`${MARKER} 001d 02 0000 0006 800f03 000180`), undefined, 'a family that is not ours')
})

test('the marks around a refresh', () => {
  assert.equal(toHex(routeRefresh('ipv4-unicast', 'beginning-of-refresh')), toHex(hex`${MARKER} 0017 05 0001 01 01`))
  assert.equal(toHex(routeRefresh('ipv6-unicast', 'end-of-refresh')), toHex(hex`${MARKER} 0017 05 0002 02 01`))
})

property(
  'any bytes in any pieces: frames, or one fault and then silence',
  [octets(400), fc.integer({ min: 1, max: 50 })],
  (bytes, size) => {
    const stream = new MessageStream()
    let faults = 0
    for (const piece of [MARKER, bytes]) {
      for (let at = 0; at < piece.length; at += size) {
        for (const item of stream.push(piece.subarray(at, at + size))) {
          assert.equal(faults, 0, 'nothing comes after a fault')
          if (item.kind === 'fault') faults++
          assert.ok(stream.buffered <= 4096)
        }
      }
    }
  },
)
