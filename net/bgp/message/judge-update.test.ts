import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hex } from '../../../testkit/hex.ts'
import { property } from '../../../testkit/property.ts'
import { DecodeError } from '../../bytes/index.ts'
import { formatPrefix, parsePrefix } from '../../ip/index.ts'
import { ATTRIBUTES, type AttributeName, EXTENDED_LENGTH, OPTIONAL, PARTIAL, TRANSITIVE } from './attribute.ts'
import { ATTRIBUTE_RULES, type Treatment } from './attribute-rule.ts'
import {
  decodeUpdate,
  describeError,
  encodeAsPath,
  encodeMpReach,
  encodeMpUnreach,
  encodePrefixes,
  encodeUpdate,
  FAMILY_CODES,
  FLAGS,
  judgeUpdate,
  type PathAttribute,
  type SessionFacts,
} from './index.ts'

const EXTERNAL: SessionFacts = {
  isExternal: true,
  asnWidth: 4,
  families: new Set(['ipv4-unicast', 'ipv6-unicast']),
  hasExtendedNextHop: false,
}
const INTERNAL = { ...EXTERNAL, isExternal: false }
const OLD: SessionFacts = { ...EXTERNAL, asnWidth: 2 }

const prefixes = (...texts: string[]) => encodePrefixes(texts.map((text) => parsePrefix(text)!))
const ROUTES = prefixes('192.0.2.0/24', '198.51.100.7/32')
const ROUTE_TEXTS = ['192.0.2.0/24', '198.51.100.7/32']

function reach(nextHop = hex`20010db8000000000000000000000001`, nlri = prefixes('2001:db8::/64')): Uint8Array {
  return encodeMpReach({ ...FAMILY_CODES['ipv6-unicast'], nextHop, nlri })
}

/** A value of each attribute that nobody can object to. */
const GOOD: Readonly<Record<AttributeName, Uint8Array>> = {
  ORIGIN: hex`00`,
  AS_PATH: encodeAsPath([{ kind: 'sequence', asns: [64_512] }], 4),
  NEXT_HOP: hex`c6336402`,
  MULTI_EXIT_DISC: hex`00000005`,
  LOCAL_PREF: hex`00000064`,
  ATOMIC_AGGREGATE: hex``,
  AGGREGATOR: hex`0000fc00 c0000201`,
  COMMUNITIES: hex`fc000064`,
  ORIGINATOR_ID: hex`c0000201`,
  CLUSTER_LIST: hex`c0000201`,
  MP_REACH_NLRI: reach(),
  MP_UNREACH_NLRI: encodeMpUnreach({ ...FAMILY_CODES['ipv6-unicast'], withdrawn: prefixes('2001:db8:1::/64') }),
  EXTENDED_COMMUNITIES: hex`0002fc0000000064`,
  AS4_PATH: encodeAsPath([{ kind: 'sequence', asns: [4_200_000_000] }], 4),
  AS4_AGGREGATOR: hex`fa56ea00 c0000201`,
  TRAFFIC_ENGINEERING: hex`01`,
  IPV6_EXTENDED_COMMUNITIES: new Uint8Array(20),
  AIGP: hex`01000b 0000000000000001`,
  LARGE_COMMUNITY: hex`0000fc00 00000001 00000002`,
  ONLY_TO_CUSTOMER: hex`0000fc00`,
  ATTR_SET: hex`0000fc00`,
}

const name = (type: number) =>
  (Object.keys(ATTRIBUTES) as AttributeName[]).find((each) => ATTRIBUTES[each] === type) ?? `type ${type}`
const attribute = (which: AttributeName, value = GOOD[which]): PathAttribute => ({
  flags: ATTRIBUTE_RULES.get(ATTRIBUTES[which])!.flags,
  type: ATTRIBUTES[which],
  value,
})
const mandatory = ({ asnWidth }: SessionFacts) => {
  const path = encodeAsPath([{ kind: 'sequence', asns: [64_512] }], asnWidth)
  return [attribute('ORIGIN'), attribute('AS_PATH', path), attribute('NEXT_HOP')]
}
const MANDATORY = mandatory(EXTERNAL)

/** An UPDATE with two IPv4 routes, all that is mandatory, and the attribute in place of the good one of its type. */
function withAttribute(given: PathAttribute, facts = EXTERNAL): Uint8Array {
  const others = mandatory(facts).filter((each) => each.type !== given.type)
  return encodeUpdate({ withdrawn: hex``, attributes: [...others, given], nlri: ROUTES })
}

const judge = (body: Uint8Array, facts = EXTERNAL) => judgeUpdate(decodeUpdate(body), facts)

/** Sessions on which the attribute is read at all. */
function factsFor(which: AttributeName): SessionFacts {
  const { discardFrom } = ATTRIBUTE_RULES.get(ATTRIBUTES[which])!
  if (discardFrom === 'external') return INTERNAL
  return discardFrom === 'four-octet' ? OLD : EXTERNAL
}

describe('RFC 7606: every attribute, row by row', () => {
  /** Section, attribute, values that are malformed, what becomes of the UPDATE. */
  const ROWS: readonly [section: string, which: AttributeName, bad: readonly Uint8Array[], becomes: Treatment][] = [
    ['7.1', 'ORIGIN', [hex``, hex`0000`, hex`03`, hex`ff`], 'treat-as-withdraw'],
    [
      '7.2',
      'AS_PATH',
      [hex`02`, hex`0201`, hex`02010000`, hex`02020000fc00`, hex`05010000fc00`, hex`0200`, hex`020100000000`],
      'treat-as-withdraw',
    ],
    ['7.3', 'NEXT_HOP', [hex``, hex`c63364`, hex`c633640200`, hex`00000000`, hex`e0000001`], 'treat-as-withdraw'],
    ['7.4', 'MULTI_EXIT_DISC', [hex``, hex`000005`, hex`0000000500`], 'treat-as-withdraw'],
    ['7.5', 'LOCAL_PREF', [hex``, hex`000064`, hex`0000006400`], 'treat-as-withdraw'],
    ['7.6', 'ATOMIC_AGGREGATE', [hex`00`], 'attribute-discard'],
    [
      '7.7',
      'AGGREGATOR',
      [hex``, hex`fc00c0000201`, hex`0000fc00c000020100`, hex`00000000c0000201`],
      'attribute-discard',
    ],
    ['7.8', 'COMMUNITIES', [hex``, hex`fc0000`, hex`fc00006400`], 'treat-as-withdraw'],
    ['7.9', 'ORIGINATOR_ID', [hex``, hex`c00002`, hex`c000020100`], 'treat-as-withdraw'],
    ['7.10', 'CLUSTER_LIST', [hex``, hex`c00002`, hex`c000020100`], 'treat-as-withdraw'],
    [
      '7.11',
      'MP_REACH_NLRI',
      [
        hex``,
        hex`00020110`,
        hex`000201ff00`,
        reach(hex`c6336402`),
        reach(hex`20010db8000000000000000000000001`, hex`81`),
      ],
      'session-reset',
    ],
    ['7.12', 'MP_UNREACH_NLRI', [hex``, hex`0002`, hex`00020181`, hex`0002014000`], 'session-reset'],
    ['7.13', 'TRAFFIC_ENGINEERING', [hex``], 'treat-as-withdraw'],
    ['7.14', 'EXTENDED_COMMUNITIES', [hex``, hex`0002fc00000000`, hex`0002fc000000006400`], 'treat-as-withdraw'],
    ['7.15', 'IPV6_EXTENDED_COMMUNITIES', [hex``, new Uint8Array(19), new Uint8Array(21)], 'treat-as-withdraw'],
    ['7.16', 'ATTR_SET', [hex``, hex`0000fc`], 'treat-as-withdraw'],
    ['RFC 6793 6', 'AS4_PATH', [hex``, hex`0201fa56`, hex`020100000000`, hex`0901fa56ea00`], 'attribute-discard'],
    ['RFC 6793 6', 'AS4_AGGREGATOR', [hex``, hex`fa56ea00c00002`, hex`00000000c0000201`], 'attribute-discard'],
    ['RFC 7311 3', 'AIGP', [hex``, hex`0100`], 'attribute-discard'],
    ['RFC 8092 6', 'LARGE_COMMUNITY', [hex``, new Uint8Array(11), new Uint8Array(13)], 'treat-as-withdraw'],
    ['RFC 9234 5', 'ONLY_TO_CUSTOMER', [hex``, hex`00fc00`, hex`0000fc0000`], 'treat-as-withdraw'],
  ]

  /** RFC 4271 section 5 and the RFC of each attribute. */
  const CLASSES: Readonly<Record<keyof typeof FLAGS, readonly AttributeName[]>> = {
    wellKnown: ['ORIGIN', 'AS_PATH', 'NEXT_HOP', 'LOCAL_PREF', 'ATOMIC_AGGREGATE'],
    optionalTransitive: [
      'AGGREGATOR',
      'COMMUNITIES',
      'EXTENDED_COMMUNITIES',
      'AS4_PATH',
      'AS4_AGGREGATOR',
      'IPV6_EXTENDED_COMMUNITIES',
      'LARGE_COMMUNITY',
      'ONLY_TO_CUSTOMER',
      'ATTR_SET',
    ],
    optionalNonTransitive: [
      'MULTI_EXIT_DISC',
      'ORIGINATOR_ID',
      'CLUSTER_LIST',
      'MP_REACH_NLRI',
      'MP_UNREACH_NLRI',
      'TRAFFIC_ENGINEERING',
      'AIGP',
    ],
  }
  test('every attribute is of the class that its RFC gives it', () => {
    const flags = Object.entries(CLASSES).flatMap(([name, list]) =>
      list.map((which) => [which, FLAGS[name as keyof typeof FLAGS]] as const),
    )
    assert.equal(flags.length, ATTRIBUTE_RULES.size)
    for (const [which, wanted] of flags) assert.equal(ATTRIBUTE_RULES.get(ATTRIBUTES[which])?.flags, wanted, which)
  })
  test('MP_REACH_NLRI with wrong flags: its routes are known, and withdrawn', () => {
    const wrong = { ...attribute('MP_REACH_NLRI'), flags: FLAGS.optionalTransitive }
    const judgement = judge(encodeUpdate({ withdrawn: hex``, attributes: [wrong, ...MANDATORY], nlri: hex`` }))
    assert.equal(judgement.kind, 'treat-as-withdraw')
    assert.deepEqual(judgement.kind === 'treat-as-withdraw' && judgement.withdrawn.map(formatPrefix), ['2001:db8::/64'])
  })
  test('the table has every attribute', () => {
    assert.deepEqual(new Set(ROWS.map(([, which]) => which)), new Set(Object.keys(ATTRIBUTES)))
  })

  for (const [section, which, bad, becomes] of ROWS) {
    const facts = factsFor(which)
    test(`${section} ${which}: good is accepted`, () => {
      const judgement = judge(withAttribute(attribute(which), facts), facts)
      assert.deepEqual(judgement.faults, [])
      assert.equal(judgement.kind, 'accept')
    })
    for (const value of bad) {
      test(`${section} ${which} of ${value.length} octets ${value.join(' ')}: ${becomes}`, () => {
        const judgement = judge(withAttribute(attribute(which, value), facts), facts)
        assert.equal(judgement.kind, becomes)
        assert.equal(judgement.faults[0]?.type, ATTRIBUTES[which])
        if (judgement.kind === 'session-reset') {
          assert.equal(
            describeError(judgement.notification.code, judgement.notification.subcode).split(':')[0],
            'update message error',
          )
        } else {
          const moved = judgement.kind === 'treat-as-withdraw' ? judgement.withdrawn : judgement.announced
          assert.deepEqual(moved.map(formatPrefix), ROUTE_TEXTS)
          assert.ok(judgement.attributes.every((each) => each.type !== ATTRIBUTES[which]))
        }
      })
    }
    for (const bit of [OPTIONAL, TRANSITIVE]) {
      const wanted = which === 'AIGP' ? 'attribute-discard' : 'treat-as-withdraw'
      test(`3c ${which} with bit ${bit.toString(16)} wrong: ${wanted}`, () => {
        const good = attribute(which)
        assert.equal(judge(withAttribute({ ...good, flags: good.flags ^ bit }, facts), facts).kind, wanted)
      })
    }
    for (const bit of [PARTIAL, EXTENDED_LENGTH, 0x0f]) {
      test(`${which} with bit ${bit.toString(16)} set: says nothing about its class`, () => {
        const good = attribute(which)
        assert.equal(judge(withAttribute({ ...good, flags: good.flags | bit }, facts), facts).kind, 'accept')
      })
    }
    test(`3g ${which} twice: ${which.startsWith('MP_') ? 'session-reset' : 'the second is discarded'}`, () => {
      const good = attribute(which)
      const others = mandatory(facts).filter((each) => each.type !== good.type)
      const body = encodeUpdate({ withdrawn: hex``, attributes: [...others, good, good], nlri: ROUTES })
      const judgement = judge(body, facts)
      assert.equal(judgement.kind, which.startsWith('MP_') ? 'session-reset' : 'attribute-discard')
      assert.equal(judgement.faults[0]?.because, 'duplicate')
    })
  }

  for (const which of ['LOCAL_PREF', 'ORIGINATOR_ID', 'CLUSTER_LIST'] as const) {
    test(`${which} from an external peer: discarded unread`, () => {
      const judgement = judge(withAttribute(attribute(which, hex`00`)), EXTERNAL)
      assert.equal(judgement.kind, 'attribute-discard')
      assert.deepEqual(
        judgement.faults.map((fault) => fault.because),
        ['out-of-place'],
      )
    })
  }
  for (const which of ['AS4_PATH', 'AS4_AGGREGATOR'] as const) {
    test(`${which} from a peer that speaks four octets: discarded unread`, () => {
      assert.equal(judge(withAttribute(attribute(which)), EXTERNAL).kind, 'attribute-discard')
    })
  }
  test('an AGGREGATOR of two-octet peers has six octets', () => {
    const attributes = [...mandatory(OLD), attribute('AGGREGATOR', hex`fc00 c0000201`)]
    assert.equal(judge(encodeUpdate({ withdrawn: hex``, attributes, nlri: ROUTES }), OLD).kind, 'accept')
  })
})

describe('RFC 7606: the UPDATE as a whole', () => {
  for (const missing of ['ORIGIN', 'AS_PATH', 'NEXT_HOP'] as const) {
    test(`3d ${missing} missing: treat-as-withdraw`, () => {
      const attributes = MANDATORY.filter((each) => each.type !== ATTRIBUTES[missing])
      const judgement = judge(encodeUpdate({ withdrawn: hex``, attributes, nlri: ROUTES }))
      assert.equal(judgement.kind, 'treat-as-withdraw')
      assert.deepEqual(judgement.faults, [
        { type: ATTRIBUTES[missing], because: 'missing', treatment: 'treat-as-withdraw' },
      ])
    })
  }
  test('NEXT_HOP is not missed where all routes are in MP_REACH_NLRI', () => {
    const attributes = [attribute('MP_REACH_NLRI'), attribute('ORIGIN'), attribute('AS_PATH')]
    assert.equal(judge(encodeUpdate({ withdrawn: hex``, attributes, nlri: hex`` })).kind, 'accept')
  })
  test('withdrawals need no attributes', () => {
    const judgement = judge(encodeUpdate({ withdrawn: ROUTES, attributes: [], nlri: hex`` }))
    assert.equal(judgement.kind, 'accept')
    assert.deepEqual(judgement.kind === 'accept' && judgement.withdrawn.map(formatPrefix), ROUTE_TEXTS)
  })
  test('3h the strongest treatment wins', () => {
    const bad = [
      attribute('ORIGIN', hex`07`),
      attribute('ATOMIC_AGGREGATE', hex`00`),
      attribute('MP_UNREACH_NLRI', hex`00`),
    ]
    const attributes = [...MANDATORY.slice(1), ...bad]
    const judgement = judge(encodeUpdate({ withdrawn: hex``, attributes, nlri: ROUTES }))
    assert.equal(judgement.kind, 'session-reset')
    assert.deepEqual(
      judgement.faults.map((fault) => name(fault.type!)),
      ['ORIGIN', 'ATOMIC_AGGREGATE', 'MP_UNREACH_NLRI'],
    )
  })
  test('4 an attribute that overruns the list: treat-as-withdraw, for the routes are still found', () => {
    const good = encodeUpdate({ withdrawn: hex``, attributes: MANDATORY, nlri: ROUTES })
    const body = encodeUpdate({ withdrawn: hex``, attributes: MANDATORY, overrun: hex`c0 08 09 00`, nlri: ROUTES })
    assert.equal(judge(good).kind, 'accept')
    const judgement = judge(body)
    assert.equal(judgement.kind, 'treat-as-withdraw')
    assert.deepEqual(judgement.kind === 'treat-as-withdraw' && judgement.withdrawn.map(formatPrefix), ROUTE_TEXTS)
  })
  for (const [field, body] of [
    ['NLRI', encodeUpdate({ withdrawn: hex``, attributes: MANDATORY, nlri: hex`21 c000020a 00` })],
    ['NLRI that ends early', encodeUpdate({ withdrawn: hex``, attributes: MANDATORY, nlri: hex`18 c000` })],
    ['withdrawn routes', encodeUpdate({ withdrawn: hex`ff`, attributes: [], nlri: hex`` })],
  ] as const) {
    test(`5.3 ${field} that cannot be read: session reset, invalid network field`, () => {
      const judgement = judge(body)
      assert.equal(judgement.kind, 'session-reset')
      assert.deepEqual(
        judgement.kind === 'session-reset' &&
          describeError(judgement.notification.code, judgement.notification.subcode),
        'update message error: invalid network field',
      )
    })
  }
  test('an unknown optional attribute is kept, an unknown well-known one ends the session with itself as data', () => {
    const unknown = { flags: FLAGS.optionalTransitive, type: 99, value: hex`0102` }
    const judgement = judge(withAttribute(unknown))
    assert.equal(judgement.kind, 'accept')
    assert.ok(judgement.kind === 'accept' && judgement.attributes.some((each) => each.type === 99))
    const reset = judge(withAttribute({ ...unknown, flags: FLAGS.wellKnown }))
    assert.deepEqual(reset.kind === 'session-reset' && reset.notification, {
      code: 3,
      subcode: 2,
      data: hex`40630201 02`,
    })
  })
  test('routes of a family that was not negotiated are passed over', () => {
    const facts: SessionFacts = { ...EXTERNAL, families: new Set(['ipv6-unicast']) }
    const judgement = judge(encodeUpdate({ withdrawn: ROUTES, attributes: MANDATORY, nlri: ROUTES }), facts)
    assert.equal(judgement.kind, 'attribute-discard')
    assert.deepEqual(judgement.kind === 'attribute-discard' && [judgement.announced, judgement.withdrawn], [[], []])
  })
  test('IPv4 routes with an IPv6 next hop only where that was negotiated (RFC 8950)', () => {
    const nextHop = hex`20010db8000000000000000000000001`
    const value = encodeMpReach({ ...FAMILY_CODES['ipv4-unicast'], nextHop, nlri: ROUTES })
    const attributes = [attribute('MP_REACH_NLRI', value), attribute('ORIGIN'), attribute('AS_PATH')]
    const body = encodeUpdate({ withdrawn: hex``, attributes, nlri: hex`` })
    assert.equal(judge(body).kind, 'session-reset')
    assert.equal(judge(body, { ...EXTERNAL, hasExtendedNextHop: true }).kind, 'accept')
  })
  test('a huge bad attribute is cut to what a NOTIFICATION can hold', () => {
    const judgement = judge(withAttribute({ flags: FLAGS.wellKnown, type: 99, value: new Uint8Array(60_000) }))
    assert.equal(judgement.kind === 'session-reset' && judgement.notification.data.length, 4096 - 21)
  })
})

property(
  'any body is judged, or refused with a DecodeError',
  [fc.uint8Array({ maxLength: 200 }), fc.boolean()],
  (body, isExternal) => {
    const update = decodedOrRefused(body)
    if (update === undefined) return
    const judgement = judgeUpdate(update, { ...EXTERNAL, isExternal, hasExtendedNextHop: true })
    assert.equal(judgement.kind === 'accept', judgement.faults.length === 0)
  },
)

function decodedOrRefused(body: Uint8Array) {
  try {
    return decodeUpdate(body)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
