import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { codecLaws } from '../../testkit/codec-laws.ts'
import { hex, toHex } from '../../testkit/hex.ts'
import { property } from '../../testkit/property.ts'
import { encodeFrame } from '../ethernet/index.ts'
import { type Address, formatAddress, parseAddress } from '../ip/index.ts'
import {
  decodeNdp,
  decodeNdpPacket,
  encodeNdp,
  encodeNdpPacket,
  type Holding,
  isLinkLocal,
  judgeNdp,
  type NdpMessage,
  type NdpPacket,
  type NdpTable,
  ndpProbe,
  ndpSolicitation,
  neighborAnnouncement,
  solicitedNodeGroup,
} from './index.ts'

const OUR_MAC = 0x020000000001
const ASKER_MAC = 0x020000000099
const address = (text: string): Address => parseAddress(text)!
const HELD = address('2001:db8::10')
const HELD_ELSEWHERE = address('2001:db8::11')
const WATCHED = address('2001:db8::12')
const LINK_LOCAL = address('fe80::1')
const ASKER = address('fe80::99')
const ALL_NODES = address('ff02::1')

function holding(ip: Address): Holding {
  if (ip.bits === HELD.bits) return 'here'
  if (ip.bits === WATCHED.bits) return 'watched'
  return ip.bits === HELD_ELSEWHERE.bits ? 'elsewhere' : 'nowhere'
}
const TABLE: NdpTable = { mac: OUR_MAC, linkLocal: LINK_LOCAL, holding, isOwnMac: (mac) => mac === OUR_MAC }

const UNSOLICITED = hex`
  6000 0000 0020 3a ff                         # version 6, 32 bytes, ICMPv6, hop limit 255
  fe80 0000 0000 0000 0000 0000 0000 0001      # from fe80::1
  ff02 0000 0000 0000 0000 0000 0000 0001      # to all nodes
  88 00 2854                                   # advertisement, checksum
  20000000                                     # override
  20010db8000000000000000000000010             # target
  02 01 020000000001                           # target link-layer address`

const anyIpv6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((bits): Address => ({ family: 6, bits }))
const anyMac = fc.option(fc.nat(0xffff_ffff_ffff), { nil: undefined })
const anyMessage: fc.Arbitrary<NdpMessage> = fc.oneof(
  fc.record({ kind: fc.constant('solicitation' as const), target: anyIpv6, sourceMac: anyMac }),
  fc.record({
    kind: fc.constant('advertisement' as const),
    isRouter: fc.boolean(),
    isSolicited: fc.boolean(),
    isOverride: fc.boolean(),
    target: anyIpv6,
    targetMac: anyMac,
  }),
)

codecLaws<NdpPacket>({
  name: 'NDP packet',
  goldens: [
    {
      name: 'the unsolicited advertisement of the specification',
      bytes: UNSOLICITED,
      value: {
        source: LINK_LOCAL,
        destination: ALL_NODES,
        message: {
          kind: 'advertisement',
          isRouter: false,
          isSolicited: false,
          isOverride: true,
          target: HELD,
          targetMac: OUR_MAC,
        },
      },
    },
    {
      name: 'the same with padding of the frame behind it',
      only: 'decode',
      bytes: hex`${UNSOLICITED} 0000`,
      value: {
        source: LINK_LOCAL,
        destination: ALL_NODES,
        message: {
          kind: 'advertisement',
          isRouter: false,
          isSolicited: false,
          isOverride: true,
          target: HELD,
          targetMac: OUR_MAC,
        },
      },
    },
  ],
  decode: decodeNdpPacket,
  encode: encodeNdpPacket,
  values: fc.record({ source: anyIpv6, destination: anyIpv6, message: anyMessage }),
  wholeAt: ({ bytes }) => (bytes.length > UNSOLICITED.length ? [UNSOLICITED.length, UNSOLICITED.length + 1] : []),
  crashers: [
    {
      name: 'payload length beyond the end',
      bytes: hex`60000000 ffff 3a ff ${new Uint8Array(64)}`,
      refused: 'truncated',
    },
    { name: 'a fragment header', bytes: hex`60000000 0008 2c ff ${new Uint8Array(40)}`, refused: 'unsupported' },
    { name: 'IPv4', bytes: hex`45000054 ${new Uint8Array(80)}`, refused: 'malformed' },
  ],
})

const SOLICITATION_HEAD = hex`87 00 0000 00000000 20010db8000000000000000000000010`

codecLaws<NdpMessage>({
  name: 'NDP message',
  goldens: [
    {
      name: 'a solicitation with its source',
      bytes: hex`${SOLICITATION_HEAD} 01 01 020000000099`,
      value: { kind: 'solicitation', target: HELD, sourceMac: ASKER_MAC },
    },
    {
      name: 'a solicitation without options',
      bytes: SOLICITATION_HEAD,
      value: { kind: 'solicitation', target: HELD, sourceMac: undefined },
    },
    {
      name: 'a nonce (RFC 3971) before the source, which comes twice',
      only: 'decode',
      bytes: hex`${SOLICITATION_HEAD} 0e 01 010203040506 01 01 020000000099 01 01 020000000077`,
      value: { kind: 'solicitation', target: HELD, sourceMac: ASKER_MAC },
    },
    {
      name: 'a solicited advertisement of a router',
      bytes: hex`88 00 0000 c0000000 20010db8000000000000000000000010 02 01 020000000001`,
      value: {
        kind: 'advertisement',
        isRouter: true,
        isSolicited: true,
        isOverride: false,
        target: HELD,
        targetMac: OUR_MAC,
      },
    },
  ],
  decode: decodeNdp,
  encode: encodeNdp,
  values: anyMessage,
  // Options are whole units of 8 bytes: a message cut between two of them is a shorter message.
  wholeAt: ({ bytes }) => [24, 32, 40].filter((length) => length < bytes.length),
  crashers: [
    { name: 'an option of length zero', bytes: hex`${SOLICITATION_HEAD} 01 00 020000000099`, refused: 'malformed' },
    {
      name: 'an option longer than the message',
      bytes: hex`${SOLICITATION_HEAD} 01 02 020000000099`,
      refused: 'truncated',
    },
    { name: 'half an option header', bytes: hex`${SOLICITATION_HEAD} 01`, refused: 'truncated' },
    { name: 'a router advertisement', bytes: hex`86 00 0000`, refused: 'unsupported' },
    {
      name: 'a source option of two units',
      bytes: hex`${SOLICITATION_HEAD} 01 02 ${new Uint8Array(14)}`,
      refused: undefined,
    },
  ],
})

interface Asking {
  readonly source?: Address
  readonly destination?: Address
  readonly target?: Address
  readonly sourceMac?: number | undefined
  readonly frameDestination?: number
}

/** A solicitation as the asker sends it, in full or changed. */
function solicitation(asking: Asking = {}): Uint8Array {
  const target = asking.target ?? HELD
  const destination = asking.destination ?? solicitedNodeGroup(target)
  const sourceMac = 'sourceMac' in asking ? asking.sourceMac : ASKER_MAC
  return encodeFrame({
    destination: asking.frameDestination ?? 0x3333_ff00_0000 + Number(target.bits & 0xff_ffffn),
    source: ASKER_MAC,
    etherType: 0x86dd,
    payload: encodeNdpPacket({
      source: asking.source ?? ASKER,
      destination,
      message: { kind: 'solicitation', target, sourceMac },
    }),
  })
}

function altered(frame: Uint8Array, at: number, value: number): Uint8Array {
  const bytes = frame.slice()
  bytes[at] = value
  return bytes
}

describe('which frames are answered (specification section 5.2)', () => {
  const unspecified = address('::')
  const rows: readonly [name: string, frame: Uint8Array, outcome: string][] = [
    ['a solicitation to the group', solicitation(), 'reply'],
    [
      'a reachability probe to our MAC, with option',
      solicitation({ destination: HELD, frameDestination: OUR_MAC }),
      'reply',
    ],
    [
      'a reachability probe without option',
      solicitation({ destination: HELD, frameDestination: OUR_MAC, sourceMac: undefined }),
      'reply',
    ],
    ['duplicate address detection', solicitation({ source: unspecified, sourceMac: undefined }), 'reply'],
    ['duplicate address detection with an option', solicitation({ source: unspecified }), 'malformed'],
    [
      'duplicate address detection sent to us alone',
      solicitation({ source: unspecified, sourceMac: undefined, destination: HELD, frameDestination: OUR_MAC }),
      'malformed',
    ],
    ['an address that is only watched', solicitation({ target: WATCHED }), 'not-owned'],
    ['an address nobody announces', solicitation({ target: address('2001:db8::99') }), 'not-owned'],
    ['an address announced on another interface', solicitation({ target: HELD_ELSEWHERE }), 'wrong-interface'],
    ['a frame for another MAC', solicitation({ frameDestination: 0x020000000077 }), 'not-our-mac'],
    ['a multicast target', solicitation({ target: ALL_NODES }), 'malformed'],
    ['a multicast source', solicitation({ source: ALL_NODES }), 'malformed'],
    ['hop limit 254: it was routed', altered(solicitation(), 14 + 7, 254), 'malformed'],
    ['a wrong checksum', altered(solicitation(), 14 + 42, 0x12), 'malformed'],
    ['TCP', altered(solicitation(), 14 + 6, 6), 'not-neighbor-discovery'],
    ['ARP', altered(altered(solicitation(), 12, 0x08), 13, 0x06), 'not-ipv6'],
    ['an advertisement', neighborAnnouncement(ASKER_MAC, ASKER, address('2001:db8::99')), 'not-a-solicitation'],
    ['half a header', solicitation().subarray(0, 30), 'malformed'],
  ]
  for (const [name, frame, outcome] of rows) {
    test(`${name}: ${outcome}`, () => {
      const { answer } = judgeNdp(frame, TABLE)
      assert.equal(answer.kind === 'reply' ? 'reply' : answer.because, outcome)
    })
  }
})

describe('what the answer is', () => {
  function answered(frame: Uint8Array) {
    const { answer } = judgeNdp(frame, TABLE)
    assert.ok(answer.kind === 'reply')
    const { message, source, destination } = decodeNdpPacket(answer.frame.subarray(14))
    assert.ok(message.kind === 'advertisement')
    const { isRouter, isSolicited, isOverride, target, targetMac } = message
    return {
      to: toHex(answer.frame.subarray(0, 6)),
      path: `${formatAddress(source)} > ${formatAddress(destination)}`,
      flags: `R=${Number(isRouter)} S=${Number(isSolicited)} O=${Number(isOverride)}`,
      says: `${formatAddress(target)} is ${targetMac?.toString(16)}`,
    }
  }
  const alone = {
    to: '020000000099',
    path: '2001:db8::10 > fe80::99',
    flags: 'R=0 S=1 O=0',
    says: '2001:db8::10 is 20000000001',
  }

  test('a solicitation is answered to the asker', () => assert.deepEqual(answered(solicitation()), alone))

  test('a probe without option is answered to where the frame came from', () => {
    const probe = solicitation({ destination: HELD, frameDestination: OUR_MAC, sourceMac: undefined })
    assert.deepEqual(answered(probe), alone)
  })

  test('a group as source option is not believed: no reply is multiplied', () => {
    assert.deepEqual(answered(solicitation({ sourceMac: 0xffff_ffff_ffff })), alone)
  })

  test('duplicate address detection is answered to all nodes, to defend the address', () => {
    const detection = solicitation({ source: address('::'), sourceMac: undefined })
    const expected = { to: '333300000001', path: 'fe80::1 > ff02::1', flags: 'R=0 S=0 O=1', says: alone.says }
    assert.deepEqual(answered(detection), expected)
  })

  test('an announcement is the advertisement of the specification, to all nodes', () => {
    const frame = neighborAnnouncement(OUR_MAC, LINK_LOCAL, HELD)
    assert.equal(toHex(frame), toHex(hex`333300000001 020000000001 86dd ${UNSOLICITED}`))
  })
})

describe('who claims an address of ours', () => {
  const probing = { source: address('::'), sourceMac: undefined }
  const rows: readonly [name: string, frame: Uint8Array, claim: string | undefined][] = [
    ['a stranger advertises it', neighborAnnouncement(ASKER_MAC, ASKER, HELD), '2001:db8::10'],
    ['a stranger advertises what we watch', neighborAnnouncement(ASKER_MAC, ASKER, WATCHED), '2001:db8::12'],
    ['we advertise it, heard on another interface', neighborAnnouncement(OUR_MAC, LINK_LOCAL, HELD), undefined],
    [
      'a stranger asks with it as source',
      solicitation({ source: HELD, target: address('2001:db8::99') }),
      '2001:db8::10',
    ],
    ['a stranger checks whether it is free', solicitation(probing), 'probe 2001:db8::10'],
    ['a stranger checks what we watch', solicitation({ ...probing, target: WATCHED }), 'probe 2001:db8::12'],
    ['a stranger checks another', solicitation({ ...probing, target: address('2001:db8::99') }), undefined],
    ['we check, heard on another interface', ndpProbe(OUR_MAC, HELD), undefined],
    ['a stranger advertises another', neighborAnnouncement(ASKER_MAC, ASKER, address('2001:db8::99')), undefined],
    [
      'a stranger advertises what we hold on another segment',
      neighborAnnouncement(ASKER_MAC, ASKER, HELD_ELSEWHERE),
      undefined,
    ],
  ]
  for (const [name, frame, expected] of rows) {
    test(`${name}: ${expected ?? 'no claim'}`, () => {
      const { claim } = judgeNdp(frame, TABLE)
      const seen = claim && `${claim.isProbe ? 'probe ' : ''}${formatAddress(claim.ip)}`
      assert.deepEqual([seen, claim?.mac], [expected, expected && ASKER_MAC])
    })
  }
})

test('a probe is duplicate address detection; a solicitation asks from an address of the asker', () => {
  const detection = solicitation({ source: address('::'), sourceMac: undefined })
  assert.equal(toHex(ndpProbe(ASKER_MAC, HELD)), toHex(detection))
  assert.equal(toHex(ndpSolicitation({ mac: ASKER_MAC, ip: ASKER }, HELD)), toHex(solicitation()))
})

property('no bytes make the responder throw', [fc.uint8Array({ maxLength: 120 })], (bytes) => {
  judgeNdp(bytes, TABLE)
})

property(
  'no change of a solicitation makes it throw, or answer for what is not ours',
  [fc.array(fc.tuple(fc.nat(85), fc.nat(255)), { minLength: 1, maxLength: 4 })],
  (mutations) => {
    const frame = solicitation()
    for (const [at, value] of mutations) frame[at] = value
    const { answer } = judgeNdp(frame, TABLE)
    if (answer.kind === 'reply') assert.equal(answer.ip.bits, HELD.bits)
  },
)

describe('groups', () => {
  test('the solicited-node group has the last 24 bits of the address', () => {
    assert.equal(formatAddress(solicitedNodeGroup(address('2001:db8::12:3456'))), 'ff02::1:ff12:3456')
    assert.equal(formatAddress(solicitedNodeGroup(HELD)), 'ff02::1:ff00:10')
  })

  test('link-local is fe80::/10', () => {
    const rows: readonly [string, boolean][] = [
      ['fe80::1', true],
      ['febf::1', true],
      ['fec0::1', false],
      ['2001:db8::1', false],
      ['169.254.0.1', false],
    ]
    for (const [text, expected] of rows) assert.equal(isLinkLocal(address(text)), expected, text)
  })
})
