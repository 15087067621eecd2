import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rendered, UNPAINTED } from './report.ts'
import { type PeerRoutes, peerRoutes, routesReport, type ToldRoute, type ToldRoutes } from './routes.ts'

const ROUTE: ToldRoute = {
  ...{ prefix: '192.0.2.10/32', state: 'announced', localPreference: 200, communities: [0xfc00_0064, 0xffff_ff01] },
  ...{ largeCommunities: [[64_512, 1, 2]], advertisements: ['all', 'blue'] },
}
const TOLD: ToldRoutes = {
  ...{ name: 'tor', state: 'Established', kind: 'internal' },
  routes: [
    { ...ROUTE, prefix: '2001:db8::/64', state: 'not-carried', because: 'family-not-negotiated' },
    { ...ROUTE, prefix: '192.0.2.100/32', communities: [], largeCommunities: [] },
    ROUTE,
    { ...ROUTE, prefix: '192.0.2.0/24' },
  ],
}
const PEER = peerRoutes('alpha', TOLD)

describe('routes', () => {
  test('are in the order of their prefixes, communities in words', () => {
    assert.deepEqual(
      PEER.routes?.map(({ prefix }) => prefix),
      ['192.0.2.0/24', '192.0.2.10/32', '192.0.2.100/32', '2001:db8::/64'],
    )
    assert.deepEqual(PEER.routes?.[1]?.communities, ['64512:100', 'no-export'])
    assert.deepEqual(PEER.routes?.[1]?.largeCommunities, ['64512:1:2'])
  })

  const CASES: readonly [about: string, peers: PeerRoutes[], exitCode: number, text: RegExp][] = [
    [
      'attributes, and the advertisements it comes from',
      [PEER],
      0,
      /\nalpha +tor +192\.0\.2\.10\/32 +announced +200 +64512:100,no-export,64512:1:2 +all,blue\n/,
    ],
    ['what cannot be carried, and why', [PEER], 0, /2001:db8::\/64 +not-carried .* family-not-negotiated\n$/],
    ['external peers hear no local preference', [{ ...PEER, kind: 'external' }], 0, /10\/32 +announced +- +64512/],
    ['nothing to announce', [{ ...PEER, routes: [] }], 0, /^No peer has been told of a route\.\n$/],
    [
      'no session',
      [peerRoutes('alpha', { name: 'tor', state: 'Active' })],
      1,
      /\nalpha has no session with tor \(Active\): invarctl peers says why\n$/,
    ],
  ]
  for (const [about, peers, exitCode, text] of CASES) {
    test(about, () => {
      const report = routesReport(peers, [])
      assert.equal(report.exitCode, exitCode)
      assert.match(rendered(report, 'text', UNPAINTED), text)
      const value = JSON.parse(rendered(report, 'json', UNPAINTED))
      assert.deepEqual(value, JSON.parse(JSON.stringify({ peers, unanswered: [] })))
    })
  }
})
