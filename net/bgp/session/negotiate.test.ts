import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hex } from '../../../testkit/hex.ts'
import { type Capability, describeError, encodeOpen, frameMessage, type Open } from '../message/index.ts'
import { type Negotiated, negotiate, openOf } from './negotiate.ts'
import { changesThatReset, type SessionOptions } from './options.ts'
import { ROLES, type Role } from './role.ts'

const OURS: SessionOptions = {
  localAsn: 64_512,
  remote: { kind: 'asn', asn: 64_513 },
  identifier: 0xc000_0201,
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: undefined,
  connectRetrySeconds: undefined,
  families: ['ipv4-unicast', 'ipv6-unicast'],
  offersExtendedNextHop: false,
  offersExtendedMessage: false,
  gracefulRestart: undefined,
  role: undefined,
  mustHaveRole: false,
  isPassive: false,
}

const MP4: Capability = { kind: 'multiprotocol', afi: 1, safi: 1 }
const MP6: Capability = { kind: 'multiprotocol', afi: 2, safi: 1 }
const asn = (number: number): Capability => ({ kind: 'four-octet-asn', asn: number })

function theirs(part: Partial<Open> = {}): Open {
  return {
    version: 4,
    myAutonomousSystem: 64_513,
    holdTimeSeconds: 90,
    identifier: 0xc000_0202,
    capabilities: [MP4, MP6, asn(64_513)],
    otherParameters: [],
    ...part,
  }
}

function agreed(ours: Partial<SessionOptions> = {}, peer: Partial<Open> = {}): Negotiated {
  const result = negotiate({ ...OURS, ...ours }, theirs(peer))
  assert.ok(!('code' in result), 'refused')
  return result
}

describe('our OPEN', () => {
  for (const [localAsn, field] of [
    [64_512, 64_512],
    [65_535, 65_535],
    [65_536, 23_456],
    [4_200_000_000, 23_456],
  ] as const) {
    test(`ASN ${localAsn} stands as ${field} in two octets, and whole in the capability`, () => {
      const open = openOf({ ...OURS, localAsn }, false)
      assert.equal(open.myAutonomousSystem, field)
      assert.deepEqual(
        open.capabilities.find((each) => each.kind === 'four-octet-asn'),
        asn(localAsn),
      )
    })
  }
  test('the whole message, with only what must be said', () => {
    const open = openOf(OURS, false)
    const capabilities = open.capabilities.filter(({ kind }) => kind === 'multiprotocol' || kind === 'four-octet-asn')
    assert.deepEqual(
      frameMessage('open', encodeOpen({ ...open, capabilities })),
      hex`ffffffffffffffffffffffffffffffff 0031 01 04 fc00 005a c0000201 14 0212 010400010001 010400020001 41040000fc00`,
    )
  })
  test('all that may be offered', () => {
    const options = {
      ...OURS,
      offersExtendedNextHop: true,
      offersExtendedMessage: true,
      gracefulRestart: { restartTimeSeconds: 120, offersNotificationSupport: true },
      role: 'customer' as const,
    }
    const family = (afi: number) => ({ afi, safi: 1, isForwardingPreserved: true })
    assert.deepEqual(openOf(options, true).capabilities, [
      MP4,
      MP6,
      { kind: 'route-refresh' },
      { kind: 'extended-next-hop', entries: [{ afi: 1, safi: 1, nextHopAfi: 2 }] },
      { kind: 'extended-message' },
      { kind: 'role', role: 3 },
      {
        kind: 'graceful-restart',
        isRestarting: true,
        hasNotificationSupport: true,
        restartTimeSeconds: 120,
        families: [family(1), family(2)],
      },
      asn(64_512),
      { kind: 'enhanced-route-refresh' },
    ])
  })
})

describe('RFC 4271 section 6.2: an OPEN that is refused', () => {
  const role = (number: number): Capability => ({ kind: 'role', role: number })
  const ROWS: readonly [why: string, ours: Partial<SessionOptions>, peer: Partial<Open>, answer: string][] = [
    ['version 3', {}, { version: 3 }, 'unsupported version number'],
    ['another AS', {}, { capabilities: [asn(64_514)] }, 'bad peer AS'],
    ['another AS, without capability', {}, { myAutonomousSystem: 64_514, capabilities: [] }, 'bad peer AS'],
    ['AS 0 (RFC 7607)', { remote: { kind: 'external' } }, { capabilities: [asn(0)] }, 'bad peer AS'],
    ['internal wanted, external found', { remote: { kind: 'internal' } }, {}, 'bad peer AS'],
    [
      'external wanted, internal found',
      { remote: { kind: 'external' } },
      { capabilities: [asn(64_512)] },
      'bad peer AS',
    ],
    ['identifier 0', {}, { identifier: 0 }, 'bad BGP identifier'],
    [
      'our own identifier inside one AS (RFC 6286)',
      { remote: { kind: 'internal' } },
      { identifier: OURS.identifier, capabilities: [MP4, asn(64_512)] },
      'bad BGP identifier',
    ],
    ['hold time 1', {}, { holdTimeSeconds: 1 }, 'unacceptable hold time'],
    ['hold time 2', {}, { holdTimeSeconds: 2 }, 'unacceptable hold time'],
    [
      'an unknown optional parameter',
      {},
      { otherParameters: [{ type: 1, value: hex`00` }] },
      'unsupported optional parameter',
    ],
    [
      'no family in common',
      { families: ['ipv6-unicast'] },
      { capabilities: [MP4, asn(64_513)] },
      'unsupported capability',
    ],
    [
      'no family named, IPv4 not wanted',
      { families: ['ipv6-unicast'] },
      { capabilities: [asn(64_513)] },
      'unsupported capability',
    ],
    ['roles that do not fit', { role: 'customer' }, { capabilities: [MP4, asn(64_513), role(3)] }, 'role mismatch'],
    ['two roles', { role: 'customer' }, { capabilities: [MP4, asn(64_513), role(0), role(4)] }, 'role mismatch'],
    ['no role where one must be', { role: 'customer', mustHaveRole: true }, {}, 'role mismatch'],
  ]
  for (const [why, ours, peer, answer] of ROWS) {
    test(`${why}: ${answer}`, () => {
      const result = negotiate({ ...OURS, ...ours }, theirs(peer))
      assert.equal(
        'code' in result ? describeError(result.code, result.subcode) : 'agreed',
        `open message error: ${answer}`,
      )
    })
  }
  test('the data names the version that we speak, and the capabilities that we miss', () => {
    assert.deepEqual(negotiate(OURS, theirs({ version: 5 })), { code: 2, subcode: 1, data: hex`0004` })
    const refused = negotiate({ ...OURS, families: ['ipv6-unicast'] }, theirs({ capabilities: [MP4, asn(64_513)] }))
    assert.deepEqual(refused, { code: 2, subcode: 7, data: hex`0104 0002 00 01` })
  })
})

describe('what is agreed', () => {
  for (const [ours, peer, hold, keepalive, configured] of [
    [90, 9, 9, 3, undefined],
    [9, 90, 9, 3, undefined],
    [90, 90, 90, 30, undefined],
    [3, 90, 3, 1, 1],
    [90, 90, 90, 10, 10],
    [90, 9, 9, 3, 30],
    [0, 90, 0, 0, undefined],
    [90, 0, 0, 0, 10],
    [90, 3, 3, 1, undefined],
  ] as const) {
    test(`hold ${ours} and ${peer}, keepalive ${configured ?? 'unset'}: ${hold} and ${keepalive}`, () => {
      const options = { holdTimeSeconds: ours, keepaliveTimeSeconds: configured }
      const { holdTimeSeconds, keepaliveTimeSeconds } = agreed(options, { holdTimeSeconds: peer })
      assert.deepEqual([holdTimeSeconds, keepaliveTimeSeconds], [hold, keepalive])
    })
  }
  test('internal or external follows from the numbers, localASN included', () => {
    assert.equal(agreed().kind, 'external')
    assert.equal(agreed({ localAsn: 64_513 }).kind, 'internal')
    assert.equal(agreed({ remote: { kind: 'external' } }).remoteAsn, 64_513)
  })
  test('a peer of two octets: the field counts', () => {
    const old = agreed({}, { capabilities: [MP4] })
    assert.deepEqual([old.remoteAsn, old.asnWidth], [64_513, 2])
  })
  test('a peer without any capability speaks IPv4 unicast', () => {
    assert.deepEqual([...agreed({}, { capabilities: [] }).families], ['ipv4-unicast'])
  })
  test('a family is used only if both name it', () => {
    assert.deepEqual([...agreed({}, { capabilities: [MP6, asn(64_513)] }).families], ['ipv6-unicast'])
  })
  for (const [offered, capabilities, expected] of [
    [true, [{ kind: 'extended-message' }], 65_535],
    [false, [{ kind: 'extended-message' }], 4096],
    [true, [], 4096],
  ] as const) {
    test(`RFC 8654: we ${offered ? 'offer' : 'do not'}, they ${capabilities.length > 0 ? 'offer' : 'do not'}: ${expected}`, () => {
      const peer = { capabilities: [MP4, asn(64_513), ...capabilities] }
      assert.equal(agreed({ offersExtendedMessage: offered }, peer).maximumMessageLength, expected)
    })
  }
  for (const [capabilities, expected] of [
    [[], 'none'],
    [[{ kind: 'enhanced-route-refresh' }], 'none'],
    [[{ kind: 'route-refresh' }], 'plain'],
    [[{ kind: 'route-refresh' }, { kind: 'enhanced-route-refresh' }], 'enhanced'],
  ] as const) {
    test(`route refresh: ${expected}`, () => {
      assert.equal(agreed({}, { capabilities: [MP4, asn(64_513), ...capabilities] }).routeRefresh, expected)
    })
  }
  test('IPv6 next hops for IPv4 only if both can (RFC 8950)', () => {
    const capability: Capability = { kind: 'extended-next-hop', entries: [{ afi: 1, safi: 1, nextHopAfi: 2 }] }
    const peer = { capabilities: [MP4, asn(64_513), capability] }
    assert.equal(agreed({ offersExtendedNextHop: true }, peer).hasExtendedNextHop, true)
    assert.equal(agreed({}, peer).hasExtendedNextHop, false)
    assert.equal(agreed({ offersExtendedNextHop: true }).hasExtendedNextHop, false)
  })
})

test('the N bit counts only where both set it (RFC 8538)', () => {
  const capability: Capability = {
    kind: 'graceful-restart',
    isRestarting: false,
    hasNotificationSupport: true,
    restartTimeSeconds: 90,
    families: [],
  }
  const bit = (ours: boolean, theirs: boolean) =>
    agreed(
      { gracefulRestart: { restartTimeSeconds: 120, offersNotificationSupport: ours } },
      { capabilities: [MP4, asn(64_513), { ...capability, hasNotificationSupport: theirs }] },
    ).gracefulRestart?.hasNotificationSupport
  assert.deepEqual([bit(true, true), bit(true, false), bit(false, true)], [true, false, false])
})

describe('RFC 9234 section 4.2: roles', () => {
  const NAMES = Object.keys(ROLES) as Role[]
  const PAIRS = new Set([
    'provider customer',
    'customer provider',
    'route-server route-server-client',
    'route-server-client route-server',
    'peer peer',
  ])
  for (const ours of NAMES) {
    for (const peer of NAMES) {
      const fits = PAIRS.has(`${ours} ${peer}`)
      test(`${ours} meets ${peer}: ${fits ? 'fits' : 'refused'}`, () => {
        const result = negotiate(
          { ...OURS, role: ours },
          theirs({ capabilities: [MP4, asn(64_513), { kind: 'role', role: ROLES[peer] }] }),
        )
        assert.equal('code' in result, !fits)
        if (!('code' in result))
          assert.equal(result.marksOnlyToCustomer, ['provider', 'peer', 'route-server'].includes(ours))
      })
    }
  }
  test('inside one AS roles mean nothing', () => {
    assert.equal(agreed({ localAsn: 64_513, role: 'provider', mustHaveRole: true }).marksOnlyToCustomer, false)
  })
})

test('what resets a session and what does not', () => {
  assert.deepEqual(changesThatReset(OURS, { ...OURS }), [])
  assert.deepEqual(changesThatReset(OURS, { ...OURS, families: [...OURS.families] }), [])
  assert.deepEqual(
    changesThatReset(OURS, { ...OURS, keepaliveTimeSeconds: 5, connectRetrySeconds: 9, isPassive: true }),
    [],
  )
  assert.deepEqual(changesThatReset(OURS, { ...OURS, localAsn: 1, families: ['ipv4-unicast'], role: 'peer' }), [
    'localAsn',
    'families',
    'role',
  ])
})
