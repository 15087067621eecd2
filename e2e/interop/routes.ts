/** Scenarios: what arrives of the routes and their attributes. */
import assert from 'node:assert/strict'
import { hostRoute, NODE_ASN, VIP } from './meeting.ts'
import type { Scenario } from './scenario.ts'

const AGGREGATE = '198.51.100.0/24'
const [NO_EXPORT, GRACEFUL_SHUTDOWN] = [0xffff_ff01, '65535:0']

export const ROUTES: readonly Scenario[] = [
  {
    name: 'communities: standard, well-known, large',
    async run(meeting) {
      const communities = [((64512 << 16) | 100) >>> 0, NO_EXPORT]
      meeting.announce(hostRoute(VIP, { communities, largeCommunities: [[4200000000, 1, 2]] }))
      const [route] = await meeting.routes(`${VIP}/32`)
      assert.deepEqual(route!.communities.toSorted(), ['64512:100', '65535:65281'])
      assert.deepEqual(route!.largeCommunities, ['4200000000:1:2'])
    },
  },
  {
    name: 'local preference towards an internal peer',
    settings: { router: { routerAsn: NODE_ASN } },
    async run(meeting) {
      meeting.announce(hostRoute(VIP, { localPreference: 150 }))
      const [route] = await meeting.routes(`${VIP}/32`)
      assert.equal(route!.localPreference, 150)
    },
  },
  {
    name: 'aggregate of two Services: stays with the first that goes, goes with the last',
    async run(meeting) {
      const route = hostRoute(VIP, { prefix: AGGREGATE })
      meeting.announce(route, route, hostRoute(VIP))
      await meeting.routes(AGGREGATE, `${VIP}/32`)
      meeting.announce(route)
      await meeting.routes(AGGREGATE)
      meeting.announce()
      await meeting.routes()
      assert.ok((await meeting.neighbor()).isEstablished)
    },
  },
  {
    name: 'changed attributes replace the route',
    async run(meeting) {
      meeting.announce(hostRoute(VIP, { communities: [0xfc00_0001] }))
      await meeting.routes(`${VIP}/32`)
      meeting.announce(hostRoute(VIP, { communities: [0xfc00_0002] }))
      await meeting.settled(async () => {
        const [route] = await meeting.router.routes()
        assert.deepEqual(route!.communities, ['64512:2'])
      })
    },
  },
  {
    name: 'route refresh',
    cannot: { gobgp: 'keeps what it was sent and never asks for it again' },
    async run(meeting) {
      meeting.announce(hostRoute(VIP))
      await meeting.established()
      await meeting.routes(`${VIP}/32`)
      const before = await meeting.counters()
      await meeting.router.refresh(meeting.addresses.node)
      const after = await meeting.counted(
        ({ received }) => received['route-refresh'] > before.received['route-refresh'],
      )
      assert.ok(after.sent.update > before.sent.update)
      assert.ok(after.isEstablished)
      await meeting.routes(`${VIP}/32`)
    },
  },
  {
    name: 'GRACEFUL_SHUTDOWN: seen, and the route loses against all others',
    cannot: { exabgp: 'chooses no routes; the community is seen' },
    async run(meeting) {
      meeting.announce(hostRoute(VIP))
      await meeting.routes(`${VIP}/32`)
      meeting.desirePeer({}, true)
      await meeting.settled(async () => {
        const [route] = await meeting.router.routes()
        assert.deepEqual(route!.communities, [GRACEFUL_SHUTDOWN])
        // GoBGP's least is 1.
        assert.ok(route!.localPreference! <= 1, `local preference ${route!.localPreference}`)
      })
    },
  },
  {
    name: 'more prefixes than the router allows',
    settings: { router: { maxPrefixes: 2 } },
    cannot: { exabgp: 'has no limit' },
    async run(meeting) {
      meeting.announce(hostRoute('198.51.100.1'), hostRoute('198.51.100.2'))
      await meeting.established()
      await meeting.routes('198.51.100.1/32', '198.51.100.2/32')
      // FRR notices with the second one too many.
      meeting.announce(...['1', '2', '3', '4'].map((last) => hostRoute(`198.51.100.${last}`)))
      const { because } = await meeting.peer((peer) => peer.state !== 'Established' && peer.because !== undefined)
      assert.match(because!, /[Mm]aximum [Nn]umber of [Pp]refixes/)
    },
  },
]
