import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { codecLaws } from '../../testkit/codec-laws.ts'
import { hex, toHex } from '../../testkit/hex.ts'
import { property } from '../../testkit/property.ts'
import { BROADCAST_MAC } from '../ethernet/index.ts'
import { type Address, formatAddress, parseAddress } from '../ip/index.ts'
import {
  ARP_FRAME_BYTES,
  type ArpJudgement,
  type ArpPacket,
  type ArpTable,
  answerInto,
  arpAnnouncement,
  arpProbe,
  arpRequest,
  arpStation,
  CLAIM,
  claimAt,
  decodeArp,
  encodeArp,
  type Holding,
  judgeArp,
  targetIpv4At,
  VERDICT_MASK,
  VERDICTS,
  Verdict,
} from './index.ts'

const OUR_MAC = 0x020000000001
const OTHER_NIC = 0x020000000002
const ASKER_MAC = 0x020000000099

const HELD_HERE = parseAddress('192.0.2.10')!
const HELD_ELSEWHERE = parseAddress('192.0.2.11')!
const WATCHED = parseAddress('192.0.2.12')!

function holding(ip: Address): Holding {
  if (ip.bits === HELD_HERE.bits) return 'here'
  if (ip.bits === WATCHED.bits) return 'watched'
  return ip.bits === HELD_ELSEWHERE.bits ? 'elsewhere' : 'nowhere'
}

const TABLE: ArpTable = { mac: OUR_MAC, holding, isOwnMac: (mac) => mac === OUR_MAC || mac === OTHER_NIC }

const REQUEST = hex`
  ffffffffffff 020000000099 0806    # to everybody, from the asker
  0001 0800 06 04 0001              # Ethernet, IPv4, lengths, request
  020000000099 c0000201             # sender: 192.0.2.1
  000000000000 c000020a             # target: 192.0.2.10`

const REPLY = hex`
  020000000099 020000000001 0806
  0001 0800 06 04 0002
  020000000001 c000020a
  020000000099 c0000201`

const anyIpv4 = fc.bigInt({ min: 0n, max: 0xffff_ffffn }).map((bits): Address => ({ family: 4, bits }))
const anyMac = fc.nat(0xffff_ffff_ffff)

codecLaws<ArpPacket>({
  name: 'ARP packet',
  goldens: [
    {
      name: 'a request',
      bytes: REQUEST.subarray(14),
      value: {
        operation: 1,
        senderMac: ASKER_MAC,
        senderIp: parseAddress('192.0.2.1')!,
        targetMac: 0,
        targetIp: HELD_HERE,
      },
    },
    {
      name: 'a reply',
      bytes: REPLY.subarray(14),
      value: {
        operation: 2,
        senderMac: OUR_MAC,
        senderIp: HELD_HERE,
        targetMac: ASKER_MAC,
        targetIp: parseAddress('192.0.2.1')!,
      },
    },
    {
      name: 'a request padded to the least Ethernet payload',
      only: 'decode',
      bytes: hex`${REQUEST.subarray(14)} ${new Uint8Array(18)}`,
      value: {
        operation: 1,
        senderMac: ASKER_MAC,
        senderIp: parseAddress('192.0.2.1')!,
        targetMac: 0,
        targetIp: HELD_HERE,
      },
    },
  ],
  decode: decodeArp,
  encode: encodeArp,
  values: fc.record({
    operation: fc.nat(0xffff),
    senderMac: anyMac,
    senderIp: anyIpv4,
    targetMac: anyMac,
    targetIp: anyIpv4,
  }),
  wholeAt: ({ bytes }) => Array.from(bytes, (_, length) => length).filter((length) => length >= 28),
  crashers: [
    { name: 'empty', bytes: hex``, refused: 'truncated' },
    { name: 'lengths that lie: 255-byte hardware addresses', bytes: hex`0001 0800 ff 04 0001`, refused: 'unsupported' },
    { name: 'lengths of zero', bytes: hex`0001 0800 00 00 0001`, refused: 'unsupported' },
    { name: 'token ring', bytes: hex`0006 0800 06 04 0001`, refused: 'unsupported' },
  ],
})

/** The request with some bytes written over. */
function changed(changes: readonly (readonly [offset: number, bytes: Uint8Array])[]): Uint8Array {
  const frame = REQUEST.slice()
  for (const [offset, bytes] of changes) frame.set(bytes, offset)
  return frame
}

const DESTINATION = 0
const TYPE = 12
const OPERATION = 20
const SENDER_MAC = 22
const SENDER_IP = 28
const TARGET_IP = 38

describe('which frames are answered (specification section 5.1)', () => {
  const rows: readonly [name: string, frame: Uint8Array, outcome: string][] = [
    ['a request to everybody', REQUEST, 'reply'],
    ['a request to our MAC', changed([[DESTINATION, hex`020000000001`]]), 'reply'],
    ['a request from 0.0.0.0, a probe', changed([[SENDER_IP, hex`00000000`]]), 'reply'],
    ['a padded request', hex`${REQUEST} ${new Uint8Array(18)}`, 'reply'],
    ['IPv4', changed([[TYPE, hex`0800`]]), 'not-arp'],
    ['an ARP frame in a VLAN tag', changed([[TYPE, hex`8100 0001 0806`]]), 'not-arp'],
    ['a reply', changed([[OPERATION, hex`0002`]]), 'not-a-request'],
    ['a reverse ARP operation', changed([[OPERATION, hex`0003`]]), 'not-a-request'],
    ['a request to another MAC', changed([[DESTINATION, hex`020000000077`]]), 'not-our-mac'],
    ['a request to a group', changed([[DESTINATION, hex`01005e000001`]]), 'not-our-mac'],
    ['a request for an address that is only watched', changed([[TARGET_IP, hex`c000020c`]]), 'not-owned'],
    ['a request for an address nobody announces', changed([[TARGET_IP, hex`c0000263`]]), 'not-owned'],
    [
      'a request for an address announced on another interface',
      changed([[TARGET_IP, hex`c000020b`]]),
      'wrong-interface',
    ],
    ['a packet cut short', REQUEST.subarray(0, 41), 'malformed'],
    ['a header cut short', REQUEST.subarray(0, 13), 'malformed'],
    ['another hardware type', changed([[14, hex`0006`]]), 'malformed'],
  ]
  for (const [name, frame, outcome] of rows) {
    test(`${name}: ${outcome}`, () => {
      const { answer } = judgeArp(frame, TABLE)
      assert.equal(answer.kind === 'reply' ? 'reply' : answer.because, outcome)
    })
  }

  test('the reply goes to the asker alone and says our MAC', () => {
    const { answer } = judgeArp(REQUEST, TABLE)
    assert.equal(answer.kind === 'reply' && toHex(answer.frame), toHex(REPLY))
  })
})

describe('who claims an address of ours (RFC 5227 section 2.4)', () => {
  const probe = [SENDER_IP, hex`00000000`] as const
  const rows: readonly [name: string, frame: Uint8Array, claim: string | undefined][] = [
    ['a stranger asks with our address', changed([[SENDER_IP, hex`c000020a`]]), '192.0.2.10'],
    ['a stranger asks with an address that we watch', changed([[SENDER_IP, hex`c000020c`]]), '192.0.2.12'],
    [
      'a stranger answers with our address',
      changed([
        [OPERATION, hex`0002`],
        [SENDER_IP, hex`c000020a`],
      ]),
      '192.0.2.10',
    ],
    [
      'our other interface is heard',
      changed([
        [SENDER_MAC, hex`020000000002`],
        [SENDER_IP, hex`c000020a`],
      ]),
      undefined,
    ],
    ['a stranger uses what we hold on another segment', changed([[SENDER_IP, hex`c000020b`]]), undefined],
    ['an ordinary request', REQUEST, undefined],
    ['a stranger probes for our address', changed([probe]), 'probe 192.0.2.10'],
    [
      'a stranger probes for an address that we watch',
      changed([probe, [TARGET_IP, hex`c000020c`]]),
      'probe 192.0.2.12',
    ],
    ['a stranger probes for another address', changed([probe, [TARGET_IP, hex`c0000263`]]), undefined],
    ['we probe, heard on another interface', changed([probe, [SENDER_MAC, hex`020000000002`]]), undefined],
  ]
  for (const [name, frame, expected] of rows) {
    test(`${name}: ${expected ?? 'no claim'}`, () => {
      const { claim } = judgeArp(frame, TABLE)
      const seen = claim && `${claim.isProbe ? 'probe ' : ''}${formatAddress(claim.ip)}`
      assert.deepEqual([seen, claim?.mac], [expected, expected && ASKER_MAC])
    })
  }
})

test('a round of announcements is a request and a reply to everybody, sender and target the address', () => {
  const [request, reply] = arpAnnouncement(OUR_MAC, HELD_HERE)
  const both = [
    hex`ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c000020a ffffffffffff c000020a`,
    hex`ffffffffffff 020000000001 0806 0001 0800 06 04 0002 020000000001 c000020a ffffffffffff c000020a`,
  ]
  assert.deepEqual([request, reply].map(toHex), both.map(toHex))
})

test('a probe asks everybody from 0.0.0.0, a request from an address of the asker', () => {
  const probe = hex`ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 00000000 000000000000 c000020a`
  assert.equal(toHex(arpProbe(OUR_MAC, HELD_HERE)), toHex(probe))
  const sender = { mac: ASKER_MAC, ip: parseAddress('192.0.2.1')! }
  assert.equal(toHex(arpRequest(sender, HELD_HERE)), toHex(REQUEST))
})

describe('the batch responder is the readable one, faster', () => {
  const station = arpStation(OUR_MAC, (ipv4) => holding({ family: 4, bits: BigInt(ipv4 >>> 0) }), TABLE.isOwnMac)

  /** What the batch form says, in the words of the readable form. */
  function judgeInBatch(frame: Uint8Array, offset: number): ArpJudgement {
    const input = new Uint8Array(offset + frame.length + 60).fill(0xee)
    input.set(frame, offset)
    const output = new Uint8Array(offset + ARP_FRAME_BYTES + 1).fill(0xee)
    const verdict = answerInto(input, offset, frame.length, output, offset, station)
    const claim = (verdict & CLAIM) === 0 ? undefined : claimAt(input, offset)
    const outcome = VERDICTS[verdict & VERDICT_MASK]!
    const written = output.subarray(offset, offset + ARP_FRAME_BYTES)
    const untouched = outcome === 'replied' ? [output.at(-1)!, ...output.subarray(0, offset)] : [...output]
    assert.ok(
      untouched.every((byte) => byte === 0xee),
      'writes nothing but the reply',
    )
    if (outcome !== 'replied') return { answer: { kind: 'ignore', because: outcome }, claim }
    const ip: Address = { family: 4, bits: BigInt(targetIpv4At(input, offset) >>> 0) }
    return { answer: { kind: 'reply', ip, frame: written }, claim }
  }

  const pieces: readonly [offset: number, candidates: readonly Uint8Array[]][] = [
    [DESTINATION, [hex`ffffffffffff`, hex`020000000001`, hex`020000000002`]],
    [TYPE, [hex`0806`, hex`0806`, hex`0800`]],
    [OPERATION, [hex`0001`, hex`0002`]],
    [SENDER_MAC, [hex`020000000099`, hex`020000000001`, hex`ffffffffffff`]],
    [SENDER_IP, [hex`c0000201`, hex`c000020a`, hex`c000020b`, hex`c000020c`, hex`00000000`, hex`ffffffff`]],
    [TARGET_IP, [hex`c000020a`, hex`c000020b`, hex`c000020c`, hex`00000000`, hex`ffffffff`]],
  ]
  const plausible = fc
    .tuple(
      ...pieces.map(([offset, candidates]) => fc.constantFrom(...candidates).map((bytes) => [offset, bytes] as const)),
    )
    .map(changed)
  const mutated = fc
    .tuple(plausible, fc.array(fc.tuple(fc.nat(41), fc.nat(255)), { maxLength: 3 }), fc.nat(60))
    .map(([frame, mutations, length]) => {
      for (const [at, value] of mutations) frame[at] = value
      return frame.subarray(0, length)
    })
  const anything = fc.oneof(plausible, mutated, fc.uint8Array({ maxLength: 80 }))

  property(
    'for whatever bytes, at whatever offset',
    [anything, fc.nat(9)],
    (frame, offset) => {
      assert.deepEqual(judgeInBatch(frame, offset), judgeArp(frame, TABLE))
    },
    { share: 10 },
  )

  test('for every change of one byte of a request', () => {
    for (let at = 0; at < REQUEST.length; at++) {
      for (let value = 0; value < 256; value++) {
        const frame = changed([[at, Uint8Array.of(value)]])
        assert.deepEqual(judgeInBatch(frame, 3), judgeArp(frame, TABLE))
      }
    }
  })

  test('every verdict has a name', () => {
    assert.deepEqual(Object.values(Verdict), [...VERDICTS.keys()])
  })

  test('broadcast is all ones', () => assert.equal(BROADCAST_MAC, 2 ** 48 - 1))
})
