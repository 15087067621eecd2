import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hex, toHex } from '../../../testkit/hex.ts'
import { property } from '../../../testkit/property.ts'
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from '../../ip/index.ts'
import {
  decodeMessage,
  formatCommunity,
  formatLargeCommunity,
  type LargeCommunity,
  type Message,
} from '../message/index.ts'
import type { Negotiated } from '../session/index.ts'
import { AdjRibIn, AdjRibOut, type Contribution, type NextHops, type ReceivedRoute } from './index.ts'

const EXTERNAL: Negotiated = {
  kind: 'external',
  localAsn: 64_512,
  remoteAsn: 64_513,
  remoteIdentifier: 1,
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: 30,
  families: new Set(['ipv4-unicast', 'ipv6-unicast']),
  asnWidth: 4,
  hasExtendedNextHop: false,
  maximumMessageLength: 4096,
  routeRefresh: 'plain',
  gracefulRestart: undefined,
  marksOnlyToCustomer: false,
}
const INTERNAL: Negotiated = { ...EXTERNAL, kind: 'internal', remoteAsn: 64_512 }
const NEXT_HOPS: NextHops = {
  ipv4: parseAddress('198.51.100.2'),
  ipv6Global: parseAddress('2001:db8:f::2'),
  ipv6LinkLocal: undefined,
}

function wish(prefix: string, part: Partial<Contribution> = {}): Contribution {
  return {
    prefix: parsePrefix(prefix)!,
    advertisement: 'default',
    localPreference: undefined,
    communities: [],
    largeCommunities: [],
    peers: undefined,
    ...part,
  }
}

/** The peer's side of an attached session: reads all that there is to read. */
class Reader {
  readonly messages: Uint8Array[] = []
  readonly rib: AdjRibIn
  readonly #out: AdjRibOut
  readonly #name: string

  constructor(out: AdjRibOut, name: string, negotiated: Negotiated = EXTERNAL, nextHops = NEXT_HOPS) {
    this.#out = out
    this.#name = name
    this.rib = new AdjRibIn({ ...negotiated, isExternal: negotiated.kind === 'external' })
    out.attach(name, negotiated, nextHops)
  }

  /** Takes what it is given, at most `limit` messages, and returns them. */
  read(limit = Number.POSITIVE_INFINITY): Message[] {
    const read: Message[] = []
    while (read.length < limit) {
      const bytes = this.#out.next(this.#name)
      if (bytes === undefined) break
      this.messages.push(bytes)
      const message = decodeMessage(bytes, 65_535)
      if (message.kind === 'update') assert.equal(this.rib.update(message.update).kind, 'accept')
      if (message.kind === 'route-refresh') this.rib.refresh(message.refresh)
      read.push(message)
    }
    return read
  }

  /** As `prefix pref communities large`. */
  routes(): string[] {
    return [...this.rib.routes].map(([prefix, route]) => `${prefix} ${describeRoute(route)}`.trimEnd()).sort()
  }
}

function describeRoute(route: ReceivedRoute): string {
  const communities = [...route.communities.map(formatCommunity), ...route.largeCommunities.map(formatLargeCommunity)]
  return [route.localPreference ?? '', ...communities].join(' ').trim()
}

function complete(): AdjRibOut {
  const out = new AdjRibOut()
  out.setComplete()
  return out
}

describe('wire vectors: composed by hand from the RFCs', () => {
  const bytesOf = (negotiated: Negotiated, contribution: Contribution, nextHops = NEXT_HOPS) => {
    const out = new AdjRibOut()
    out.set('web', [contribution])
    const reader = new Reader(out, 'tor', negotiated, nextHops)
    reader.read()
    return reader.messages.map(toHex)
  }
  const MARKER = hex`ffffffffffffffffffffffffffffffff`
  test('eBGP with a community', () => {
    assert.deepEqual(bytesOf(EXTERNAL, wish('192.0.2.10/32', { communities: [0xfc00_0064] })), [
      toHex(hex`${MARKER} 0037 02 0000 001b 40010100 40020602010000fc00 400304c6336402 c00804fc000064 20c000020a`),
    ])
  })
  test('iBGP, local preference unset', () => {
    assert.deepEqual(bytesOf(INTERNAL, wish('192.0.2.0/24')), [
      toHex(hex`${MARKER} 0030 02 0000 0015 40010100 400200 400304c6336402 40050400000064 18c00002`),
    ])
  })
  test('IPv6', () => {
    assert.deepEqual(bytesOf(EXTERNAL, wish('2001:db8::10/128')), [
      toHex(hex`${MARKER} 004d 02 0000 0036
        800e26 000201 10 20010db8000f00000000000000000002 00 80 20010db8000000000000000000000010
        40010100 40020602010000fc00`),
    ])
  })
  test('withdrawn', () => {
    const out = new AdjRibOut()
    const reader = new Reader(out, 'tor')
    out.set('web', [wish('192.0.2.10/32')])
    reader.read()
    out.set('web', [])
    reader.read()
    assert.equal(toHex(reader.messages[1]!), toHex(hex`${MARKER} 001c 02 0005 20c000020a 0000`))
  })
  test('a peer of two octets: AS_TRANS and AS4_PATH (RFC 6793)', () => {
    const old: Negotiated = { ...EXTERNAL, localAsn: 4_200_000_000, asnWidth: 2 }
    assert.deepEqual(bytesOf(old, wish('192.0.2.0/24')), [
      toHex(hex`${MARKER} 0036 02 0000 001b 40010100 400204 0201 5ba0 400304c6336402 c01106 0201 fa56ea00 18c00002`),
    ])
  })
  test('IPv4 over an unnumbered link: link-local next hop in MP_REACH_NLRI (RFC 8950)', () => {
    const negotiated = { ...EXTERNAL, hasExtendedNextHop: true }
    const linkLocal = { ipv4: undefined, ipv6Global: undefined, ipv6LinkLocal: parseAddress('fe80::2') }
    assert.deepEqual(bytesOf(negotiated, wish('192.0.2.0/24'), linkLocal), [
      toHex(hex`${MARKER} 0040 02 0000 0029
        800e19 000101 10 fe800000000000000000000000000002 00 18c00002
        40010100 40020602010000fc00`),
    ])
  })
  test('global and link-local next hop together (RFC 2545)', () => {
    const out = complete()
    out.set('web', [wish('2001:db8::/64')])
    const reader = new Reader(out, 'tor', EXTERNAL, { ...NEXT_HOPS, ipv6LinkLocal: parseAddress('fe80::2') })
    reader.read()
    assert.deepEqual(reader.rib.routes.get('2001:db8::/64')?.nextHops.map(formatAddress), ['2001:db8:f::2', 'fe80::2'])
  })
  test('Only-to-Customer towards customers and peers (RFC 9234)', () => {
    assert.match(bytesOf({ ...EXTERNAL, marksOnlyToCustomer: true }, wish('192.0.2.0/24'))[0]!, /c023040000fc00/)
  })
})

describe('what is announced', () => {
  const told = (contributions: Record<string, Contribution[]>, negotiated = INTERNAL, name = 'tor') => {
    const out = new AdjRibOut()
    for (const [contributor, list] of Object.entries(contributions)) out.set(contributor, list)
    const reader = new Reader(out, name, negotiated)
    reader.read()
    return reader.routes()
  }
  const large: LargeCommunity = [64_512, 1, 2]
  const ROWS: readonly [what: string, contributions: Record<string, Contribution[]>, routes: string[]][] = [
    ['unset local preference is 100', { a: [wish('192.0.2.1/32')] }, ['192.0.2.1/32 100']],
    ['a set one is what it is', { a: [wish('192.0.2.1/32', { localPreference: 150 })] }, ['192.0.2.1/32 150']],
    [
      'an aggregate of two Services is one route',
      { a: [wish('192.0.2.0/24')], b: [wish('192.0.2.0/24')] },
      ['192.0.2.0/24 100'],
    ],
    [
      'communities are united, sorted, unique',
      {
        a: [wish('192.0.2.0/24', { communities: [0xfc00_0064, 5] })],
        b: [wish('192.0.2.0/24', { advertisement: 'other', communities: [1, 5], largeCommunities: [large] })],
      },
      ['192.0.2.0/24 100 0:1 0:5 64512:100 64512:1:2'],
    ],
    [
      'one address of one Service may have several prefixes',
      { a: [wish('192.0.2.1/32'), wish('192.0.2.0/24', { advertisement: 'wide' })] },
      ['192.0.2.0/24 100', '192.0.2.1/32 100'],
    ],
    [
      'of two local preferences the higher wins, in whatever order',
      {
        a: [wish('192.0.2.0/24', { localPreference: 150 })],
        b: [wish('192.0.2.0/24', { advertisement: 'low', localPreference: 50 })],
      },
      ['192.0.2.0/24 150'],
    ],
    [
      'only the peers that are named get it, with the attributes of the advertisements that name them',
      {
        a: [
          wish('192.0.2.1/32', { peers: ['tor'], communities: [1] }),
          wish('192.0.2.1/32', { peers: ['other'], advertisement: 'second', communities: [2] }),
        ],
        b: [wish('192.0.2.2/32', { peers: ['other'] })],
      },
      ['192.0.2.1/32 100 0:1'],
    ],
  ]
  for (const [what, contributions, routes] of ROWS) {
    test(what, () => {
      assert.deepEqual(told(contributions), routes)
      const reversed = Object.fromEntries(Object.entries(contributions).reverse())
      assert.deepEqual(told(reversed), routes, 'order does not matter')
    })
  }
  test('conflicts are reported', () => {
    const out = new AdjRibOut()
    out.set('a', [wish('192.0.2.0/24', { localPreference: 150 })])
    out.set('b', [wish('192.0.2.0/24')])
    assert.deepEqual(out.conflicts('tor').map(formatPrefix), ['192.0.2.0/24'])
  })
  test('localPref has no effect towards eBGP peers, and changing it sends nothing', () => {
    const out = new AdjRibOut()
    out.set('a', [wish('192.0.2.0/24', { localPreference: 150 })])
    const reader = new Reader(out, 'tor', EXTERNAL)
    reader.read()
    assert.deepEqual(reader.routes(), ['192.0.2.0/24'])
    out.set('a', [wish('192.0.2.0/24', { localPreference: 50 })])
    assert.deepEqual(reader.read(), [])
  })
  test('a family that the session does not carry is reported, not sent', () => {
    const out = new AdjRibOut()
    out.set('a', [wish('192.0.2.0/24'), wish('2001:db8::/64')])
    const reader = new Reader(out, 'v6', { ...EXTERNAL, families: new Set(['ipv6-unicast']) })
    const other = new Reader(out, 'no-v4', EXTERNAL, { ...NEXT_HOPS, ipv4: undefined })
    reader.read()
    other.read()
    assert.deepEqual(reader.routes(), ['2001:db8::/64'])
    const why = (peer: string) =>
      out.routes(peer).map(({ prefix, state, because }) => [formatPrefix(prefix), state, because])
    assert.deepEqual(why('v6'), [
      ['192.0.2.0/24', 'not-carried', 'family-not-negotiated'],
      ['2001:db8::/64', 'announced', undefined],
    ])
    assert.deepEqual(why('no-v4')[0], ['192.0.2.0/24', 'not-carried', 'no-next-hop'])
  })
  test('communities beyond the size of a message: the route is not sent and says so', () => {
    const communities = Array.from({ length: 1100 }, (_, index) => index)
    const out = new AdjRibOut()
    out.set('a', [wish('192.0.2.0/24', { communities })])
    const short = new Reader(out, 'short')
    const long = new Reader(out, 'long', { ...EXTERNAL, maximumMessageLength: 65_535 })
    assert.deepEqual(short.read(), [])
    long.read()
    assert.equal(long.rib.routes.get('192.0.2.0/24')?.communities.length, 1100)
    assert.equal(out.routes('short')[0]?.because, 'attributes-too-long')
  })
})

describe('differences only', () => {
  test('5000 Services, one changes: one UPDATE a peer, with one route', () => {
    const out = complete()
    const service = (index: number) => `10.0.${index >> 8}.${index & 255}/32`
    for (let index = 0; index < 5000; index++) out.set(`s${index}`, [wish(service(index))])
    const readers = ['p1', 'p2'].map((name) => new Reader(out, name))
    for (const reader of readers) reader.read()
    out.set('s17', [wish(service(17), { communities: [7] })])
    for (const reader of readers) {
      assert.equal(reader.read().length, 1)
      assert.equal(reader.rib.routes.size, 5000)
      assert.deepEqual(reader.rib.routes.get(service(17))?.communities, [7])
    }
  })
  test('one of many Services under an aggregate comes or goes: nothing is sent', () => {
    const out = complete()
    const reader = new Reader(out, 'tor')
    out.set('a', [wish('192.0.2.0/24')])
    reader.read()
    out.set('b', [wish('192.0.2.0/24')])
    out.set('a', [])
    assert.deepEqual(reader.read(), [])
    out.set('b', [])
    assert.equal(reader.read().length, 1)
    assert.deepEqual(reader.routes(), [])
    assert.equal(out.size, 0, 'and nothing is remembered')
  })
  test('a change undone before the peer reads: nothing is sent', () => {
    const out = complete()
    const reader = new Reader(out, 'tor')
    out.set('a', [wish('192.0.2.1/32')])
    reader.read()
    out.set('a', [])
    out.set('a', [wish('192.0.2.1/32')])
    out.set('b', [wish('192.0.2.2/32')])
    out.set('b', [])
    assert.deepEqual(reader.read(), [])
  })
  test('10,000 routes to two peers: one attribute block, as few messages as their size allows', () => {
    const out = complete()
    for (let index = 0; index < 10_000; index++)
      out.set(`s${index}`, [wish(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32`)])
    const readers = ['p1', 'p2'].map((name) => new Reader(out, name))
    for (const reader of readers) {
      reader.read()
      assert.equal(reader.rib.routes.size, 10_000)
      const room = 4096 - 23 - 20
      assert.equal(reader.messages.length, Math.ceil(10_000 / Math.floor(room / 5)) + 2, 'and two End-of-RIB')
      assert.ok(reader.messages.every((message) => message.length <= 4096))
    }
    assert.deepEqual(out.attributeGroups, { encoded: 1, inUse: 1 })
  })
  for (const [what, negotiated, prefix] of [
    ['IPv6', EXTERNAL, (index: number) => `2001:db8::${index.toString(16)}/128`],
    ['IPv6 of short prefixes', EXTERNAL, (index: number) => `2001:${index.toString(16)}::/32`],
    [
      'IPv4 with IPv6 next hop',
      { ...EXTERNAL, hasExtendedNextHop: true },
      (index: number) => `10.0.${index >> 8}.${index & 255}/32`,
    ],
    [
      'long messages',
      { ...EXTERNAL, maximumMessageLength: 65_535 },
      (index: number) => `2001:db8::${index.toString(16)}/128`,
    ],
  ] as const) {
    test(`2,000 routes, ${what}: announced and withdrawn in messages that are full but not too long`, () => {
      const out = new AdjRibOut()
      const reader = new Reader(out, 'tor', negotiated, { ...NEXT_HOPS, ipv4: undefined })
      const most = negotiated.maximumMessageLength
      for (const wishes of [(index: number) => [wish(prefix(index))], () => []]) {
        for (let index = 0; index < 2000; index++) out.set(`s${index}`, wishes(index))
        const read = reader.messages.length
        reader.read()
        const lengths = reader.messages.slice(read).map((message) => message.length)
        assert.ok(
          lengths.every((length) => length <= most),
          `${lengths}`,
        )
        assert.ok(
          lengths.slice(0, -1).every((length) => length > most - 20),
          `${lengths}`,
        )
        assert.equal(reader.rib.routes.size, wishes(0).length * 2000)
      }
    })
  }
  test('groups are shared by sessions that look alike, and forgotten with the last route', () => {
    const out = complete()
    const peers: [string, Negotiated][] = [
      ['e1', EXTERNAL],
      ['e2', EXTERNAL],
      ['i1', INTERNAL],
      ['old', { ...EXTERNAL, asnWidth: 2 }],
    ]
    const readers = peers.map(([name, negotiated]) => new Reader(out, name, negotiated))
    for (const [index, communities] of [[1], [2], [1]].entries())
      out.set(`s${index}`, [wish(`192.0.2.${index}/32`, { communities })])
    for (const reader of readers) reader.read()
    assert.deepEqual(out.attributeGroups, { encoded: 6, inUse: 6 })
    for (const index of [0, 1, 2]) out.set(`s${index}`, [])
    for (const reader of readers) reader.read()
    assert.deepEqual(out.attributeGroups, { encoded: 6, inUse: 0 })
  })
})

describe('sessions come and go', () => {
  test('on Established everything is sent, then End-of-RIB for each family', () => {
    const out = complete()
    out.set('a', [wish('192.0.2.1/32'), wish('2001:db8::1/128')])
    for (let round = 0; round < 3; round++) {
      const reader = new Reader(out, 'tor')
      const messages = reader.read()
      assert.equal(messages.length, 4)
      assert.deepEqual([...reader.rib.complete], ['ipv4-unicast', 'ipv6-unicast'])
      assert.equal(reader.rib.routes.size, 2)
      out.detach('tor')
    }
    assert.deepEqual(out.attributeGroups.inUse, 0)
  })
  test('End-of-RIB waits until the desired state is known: or the peer would drop what is still to come (RFC 4724)', () => {
    const out = new AdjRibOut()
    out.set('a', [wish('192.0.2.1/32')])
    const reader = new Reader(out, 'tor')
    assert.equal(reader.read().length, 1)
    out.setComplete()
    assert.equal(reader.read().length, 2)
    assert.equal(reader.rib.complete.size, 2)
  })
  test('a session without routes gets End-of-RIB alone; removal of the last route leaves it up and empty', () => {
    const out = complete()
    assert.equal(new Reader(out, 'tor').read().length, 2)
  })
  test('a session that ends before it has read: the routes it never had are forgotten', () => {
    const out = complete()
    out.set('a', [wish('192.0.2.1/32')])
    const reader = new Reader(out, 'tor')
    out.set('a', [])
    out.detach('tor')
    assert.equal(out.size, 0)
    assert.deepEqual(reader.read(), [])
  })
  test('routes withdrawn while the peer reads slowly are forgotten once it has been told', () => {
    const out = complete()
    out.set('a', [wish('192.0.2.1/32')])
    const reader = new Reader(out, 'tor')
    reader.read()
    out.set('a', [])
    assert.equal(out.routes('tor')[0]?.state, 'withdrawing')
    assert.deepEqual(out.figures('tor'), { announced: 1, wanted: 0, pending: 1 })
    reader.read()
    assert.deepEqual([out.size, out.figures('tor')], [0, { announced: 0, wanted: 0, pending: 0 }])
  })
  test('a slow peer gets the newest state, however much has changed meanwhile', () => {
    const out = complete()
    const reader = new Reader(out, 'slow')
    for (let round = 0; round < 100; round++) {
      for (let index = 0; index < 50; index++)
        out.set(`s${index}`, [wish(`192.0.2.${index}/32`, { communities: [round] })])
    }
    assert.equal(reader.read().length, 3, 'one UPDATE and the two marks, not a hundred')
    assert.ok([...reader.rib.routes.values()].every((route) => route.communities[0] === 99))
  })
})

describe('route refresh', () => {
  const refreshed = (negotiated: Negotiated) => {
    const out = complete()
    out.set('a', [wish('192.0.2.1/32')])
    out.set('b', [wish('2001:db8::1/128')])
    const reader = new Reader(out, 'tor', negotiated)
    reader.read()
    return { out, reader }
  }
  test('RFC 2918: the routes of the family again', () => {
    const { out, reader } = refreshed(EXTERNAL)
    out.refresh('tor', 'ipv4-unicast')
    assert.deepEqual(
      reader.read().map((message) => message.kind),
      ['update'],
    )
    assert.equal(reader.rib.routes.size, 2)
  })
  test('RFC 7313: between two marks, and what is not said again is gone', () => {
    const { out, reader } = refreshed({ ...EXTERNAL, routeRefresh: 'enhanced' })
    reader.rib.routes.set('203.0.113.0/24', reader.rib.routes.get('192.0.2.1/32')!)
    out.refresh('tor', 'ipv4-unicast')
    assert.deepEqual(
      reader.read().map((message) => message.kind),
      ['route-refresh', 'update', 'route-refresh'],
    )
    assert.deepEqual([...reader.rib.routes.keys()].sort(), ['192.0.2.1/32', '2001:db8::1/128'])
  })
  test('a route that goes while it is to be said again is withdrawn', () => {
    const { out, reader } = refreshed(EXTERNAL)
    out.refresh('tor', 'ipv4-unicast')
    out.set('a', [])
    reader.read()
    assert.deepEqual([...reader.rib.routes.keys()], ['2001:db8::1/128'])
    assert.equal(out.size, 1)
  })
  test('a storm of requests costs one answer for each time the peer has heard one out', () => {
    const { out, reader } = refreshed(EXTERNAL)
    for (let request = 0; request < 1000; request++) out.refresh('tor', 'ipv4-unicast')
    assert.equal(reader.read().length, 1)
    assert.deepEqual(reader.read(), [])
  })
  test('a family that was not negotiated is passed over', () => {
    const families = new Set(['ipv6-unicast'] as const)
    const { out, reader } = refreshed({ ...EXTERNAL, families, routeRefresh: 'enhanced' })
    out.refresh('tor', 'ipv4-unicast')
    assert.deepEqual(reader.read(), [])
  })
  test('before End-of-RIB no marks are set (RFC 7313 section 4)', () => {
    const out = new AdjRibOut()
    out.set('a', [wish('192.0.2.1/32')])
    const reader = new Reader(out, 'tor', { ...EXTERNAL, routeRefresh: 'enhanced' })
    reader.read()
    out.refresh('tor', 'ipv4-unicast')
    const kinds = () => reader.read().map((message) => message.kind)
    assert.deepEqual(kinds(), ['update'])
    out.setComplete()
    assert.deepEqual(kinds(), ['update', 'update'], 'End-of-RIB, twice')
  })
})

test('RFC 8326: before it goes, every route says so; and takes it back', () => {
  const out = complete()
  out.set('a', [wish('192.0.2.1/32', { communities: [5] })])
  const external = new Reader(out, 'external')
  const internal = new Reader(out, 'internal', INTERNAL)
  const routes = () => {
    for (const reader of [external, internal]) reader.read()
    return [external, internal].map((reader) => reader.routes()[0])
  }
  assert.deepEqual(routes(), ['192.0.2.1/32 0:5', '192.0.2.1/32 100 0:5'])
  out.setShuttingDown(true)
  assert.deepEqual(routes(), ['192.0.2.1/32 0:5 GRACEFUL_SHUTDOWN', '192.0.2.1/32 0 0:5 GRACEFUL_SHUTDOWN'])
  out.setShuttingDown(false)
  assert.deepEqual(routes(), ['192.0.2.1/32 0:5', '192.0.2.1/32 100 0:5'])
})

test('a route tells where it comes from', () => {
  const out = complete()
  out.set('a', [wish('192.0.2.0/24', { advertisement: 'wide', communities: [2] })])
  out.set('b', [wish('192.0.2.0/24', { advertisement: 'main', communities: [1], largeCommunities: [[1, 2, 3]] })])
  new Reader(out, 'tor').read()
  assert.deepEqual(out.routes('tor'), [
    {
      prefix: parsePrefix('192.0.2.0/24'),
      state: 'announced',
      because: undefined,
      localPreference: 100,
      communities: [1, 2],
      largeCommunities: [[1, 2, 3]],
      advertisements: ['main', 'wide'],
    },
  ])
})

const PREFIXES = ['192.0.2.0/24', '192.0.2.1/32', '198.51.100.0/25', '2001:db8::/64', '2001:db8::1/128']
const PEERS: Readonly<Record<string, Negotiated>> = {
  p1: EXTERNAL,
  p2: { ...INTERNAL, routeRefresh: 'enhanced' },
  p3: EXTERNAL,
}
const anyWish = fc
  .record({
    prefix: fc.constantFrom(...PREFIXES),
    advertisement: fc.constantFrom('x', 'y'),
    localPreference: fc.constantFrom(undefined, 100, 200),
    communities: fc.subarray([1, 2]),
    peers: fc.constantFrom(undefined, ['p1'], ['p2', 'p3']),
  })
  .map(({ prefix, ...part }) => wish(prefix, part))
const anyPeer = fc.constantFrom('p1', 'p2', 'p3')
const anyDeed = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant('set'), fc.constantFrom('a', 'b', 'c'), fc.array(anyWish, { maxLength: 3 })),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant('read'), anyPeer, fc.integer({ min: 1, max: 4 })) },
  fc.tuple(fc.constant('reconnect'), anyPeer, fc.constant(0)),
  fc.tuple(fc.constant('detach'), anyPeer, fc.constant(0)),
  fc.tuple(fc.constant('refresh'), anyPeer, fc.constantFrom('ipv4-unicast', 'ipv6-unicast')),
  fc.tuple(fc.constant('shutting-down'), fc.boolean(), fc.constant(0)),
)

property(
  'whatever is set, read, refreshed and reconnected: at the end every peer has what is wanted, and nothing is left over',
  [fc.array(anyDeed, { size: 'max', maxLength: 60 })],
  (deeds) => {
    const out = complete()
    const readers = new Map(
      Object.entries(PEERS).map(([name, negotiated]) => [name, new Reader(out, name, negotiated)]),
    )
    const shares = new Map<string, Contribution[]>()
    for (const [kind, subject, detail] of deeds as unknown as [string, string, never][]) {
      if (kind === 'set') {
        shares.set(subject, detail)
        out.set(subject, detail)
      }
      if (kind === 'read') readers.get(subject)?.read(detail)
      if (kind === 'reconnect') readers.set(subject, new Reader(out, subject, PEERS[subject]))
      if (kind === 'detach') {
        out.detach(subject)
        readers.delete(subject)
      }
      if (kind === 'refresh') out.refresh(subject, detail)
      if (kind === 'shutting-down') out.setShuttingDown(subject as unknown as boolean)
    }
    out.setShuttingDown(false)
    assert.equal(out.audit(), 0)
    const fresh = complete()
    for (const [contributor, wishes] of shares) fresh.set(contributor, wishes)
    for (const [name, reader] of readers) {
      reader.read()
      const expected = new Reader(fresh, name, PEERS[name])
      expected.read()
      assert.deepEqual(reader.routes(), expected.routes(), name)
      assert.equal(out.figures(name).announced, reader.rib.routes.size)
    }
    for (const contributor of shares.keys()) out.set(contributor, [])
    for (const reader of readers.values()) reader.read()
    assert.deepEqual([out.size, out.attributeGroups.inUse], [0, 0])
  },
)
