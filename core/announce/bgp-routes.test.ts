import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BgpAdvertisement } from '../config/snapshot.ts'
import type { BgpDecision } from './bgp.ts'
import { bgpRoutes, peersOf } from './bgp-routes.ts'

const ADVERTISEMENT: BgpAdvertisement = {
  name: 'a',
  pools: new Set(['web']),
  nodeSelectors: [],
  serviceSelectors: [],
  aggregationLength: 32,
  aggregationLengthV6: 128,
  localPreference: undefined,
  communities: [],
  largeCommunities: [],
  peers: [],
}

function announcing(ips: readonly string[], ...advertisements: Partial<BgpAdvertisement>[]): BgpDecision {
  const pool = {} as Extract<BgpDecision, { kind: 'announce' }>['pool']
  return { kind: 'announce', pool, ips, advertisements: advertisements.map((each) => ({ ...ADVERTISEMENT, ...each })) }
}

describe('an address is masked to the aggregation length of its family', () => {
  const rows: [string, number, number, string][] = [
    ['192.0.2.77', 32, 128, '192.0.2.77/32'],
    ['192.0.2.77', 27, 128, '192.0.2.64/27'],
    ['192.0.2.77', 24, 128, '192.0.2.0/24'],
    ['2001:db8::77', 32, 128, '2001:db8::77/128'],
    ['2001:db8::77', 32, 124, '2001:db8::70/124'],
    ['2001:db8::77', 32, 64, '2001:db8::/64'],
  ]
  for (const [ip, aggregationLength, aggregationLengthV6, prefix] of rows) {
    test(`${ip} with ${aggregationLength} and ${aggregationLengthV6} is ${prefix}`, () => {
      const [route] = bgpRoutes(announcing([ip], { aggregationLength, aggregationLengthV6 }))
      assert.equal(route?.prefix, prefix)
    })
  }
})

test('each advertisement wishes for each address, with its own attributes', () => {
  const routes = bgpRoutes(
    announcing(
      ['192.0.2.1', '2001:db8::1'],
      { localPreference: 150, communities: [1] },
      { name: 'b', aggregationLength: 24, largeCommunities: [[1, 2, 3]], peers: ['tor'] },
    ),
  )
  const said = routes.map(({ prefix, advertisement, peers }) => [prefix, advertisement, peers])
  assert.deepEqual(said, [
    ['192.0.2.1/32', 'a', undefined],
    ['192.0.2.0/24', 'b', ['tor']],
    ['2001:db8::1/128', 'a', undefined],
    ['2001:db8::1/128', 'b', ['tor']],
  ])
  assert.deepEqual([routes[0]?.localPreference, routes[0]?.communities], [150, [1]])
  assert.deepEqual([routes[1]?.localPreference, routes[1]?.largeCommunities], [undefined, [[1, 2, 3]]])
})

test('a Service that is not announced has no routes and no peers', () => {
  const decision: BgpDecision = { kind: 'silent', because: 'noEndpoints', detail: '' }
  assert.deepEqual([bgpRoutes(decision), peersOf(decision, [{ name: 'tor' }])], [[], []])
})

describe('peers of a Service', () => {
  const peers = [{ name: 'tor-b' }, { name: 'tor-a' }]
  const rows: [string, Partial<BgpAdvertisement>[], string[]][] = [
    ['an advertisement without peers goes to all', [{}], ['tor-a', 'tor-b']],
    ['one with peers to those', [{ peers: ['tor-b'] }], ['tor-b']],
    ['two advertisements go to the peers of both', [{ peers: ['tor-b'] }, { peers: ['tor-a'] }], ['tor-a', 'tor-b']],
    ['a peer that this node does not have is left out', [{ peers: ['other'] }], []],
  ]
  for (const [what, advertisements, expected] of rows) {
    test(what, () => assert.deepEqual(peersOf(announcing(['192.0.2.1'], ...advertisements), peers), expected))
  }
})
