/** Scenarios: how sessions come up, and how they do not. */
import assert from 'node:assert/strict'
import { hostRoute, type Meeting, NODE_ASN, ROUTER_ASN, VIP, VIP6 } from './meeting.ts'
import type { Scenario } from './scenario.ts'

const PASSWORD = 'tell-nobody'
const [BIG_NODE_ASN, BIG_ROUTER_ASN] = [4200000000, 4200000001]

/** The session stands and carries the Service's address. */
async function works(meeting: Meeting): Promise<void> {
  meeting.announce(hostRoute(VIP))
  await meeting.established()
  await meeting.routes(`${VIP}/32`)
}

/** The node says in these words why there is no session, and there is none. */
function fails(words: RegExp) {
  return async (meeting: Meeting): Promise<void> => {
    const { state } = await meeting.peer(({ because = '' }) => words.test(because))
    assert.notEqual(state, 'Established')
    assert.equal((await meeting.neighbor()).isEstablished, false)
  }
}

/** Segments with a wrong key are dropped unseen: the node sees a router that does not answer. */
const unanswered = fails(/no answer to the TCP connection|ETIMEDOUT/)

/** The router may take the connection before it drops what comes on it. */
const unheard = fails(/no answer to the TCP connection|ETIMEDOUT|hold timer expired|: (EOF|ECONNRESET)/)

async function rotate(meeting: Meeting): Promise<void> {
  await works(meeting)
  await meeting.router.reconfigure(meeting.routerOptions({ password: 'new-secret' }))
  meeting.desirePeer({ password: 'new-secret' })
  await meeting.established(30_000)
  await meeting.routes(`${VIP}/32`)
  // A keepalive with the new key has come through, or the session would be gone by the hold time.
  const { received } = await meeting.counters()
  await meeting.counted(({ received: now }) => now.keepalive > received.keepalive)
  assert.ok((await meeting.neighbor()).isEstablished)
}

const NO_ROLES = 'has no roles (RFC 9234)'
const NO_UNNUMBERED = 'finds no neighbors by their router advertisements'

export const SESSIONS: readonly Scenario[] = [
  { name: 'session over IPv4', run: works },
  {
    name: 'session over IPv6',
    settings: { place: 'near6' },
    async run(meeting) {
      meeting.announce(hostRoute(VIP6))
      await meeting.established()
      const [route] = await meeting.routes(`${VIP6}/128`)
      assert.ok(route!.nextHops.includes('2001:db8::2'), route!.nextHops.join())
    },
  },
  {
    name: 'both families on one session',
    settings: { node: { dualStack: true }, router: { families: ['ipv4', 'ipv6'] } },
    async run(meeting) {
      meeting.announce(hostRoute(VIP), hostRoute(VIP6))
      await meeting.established()
      await meeting.routes(`${VIP}/32`, `${VIP6}/128`)
    },
  },
  {
    name: 'external: our AS on the path',
    async run(meeting) {
      meeting.announce(hostRoute(VIP))
      const [route] = await meeting.routes(`${VIP}/32`)
      assert.deepEqual([route!.asPath, route!.nextHops], [[NODE_ASN], [meeting.addresses.node]])
    },
  },
  {
    name: 'internal: empty path, local preference 100',
    settings: { router: { routerAsn: NODE_ASN } },
    async run(meeting) {
      meeting.announce(hostRoute(VIP))
      const [route] = await meeting.routes(`${VIP}/32`)
      assert.deepEqual([route!.asPath, route!.localPreference], [[], 100])
    },
  },
  {
    name: 'AS numbers of four bytes on both sides',
    settings: { node: { localAsn: BIG_NODE_ASN }, router: { routerAsn: BIG_ROUTER_ASN } },
    async run(meeting) {
      meeting.announce(hostRoute(VIP))
      const [route] = await meeting.routes(`${VIP}/32`)
      assert.deepEqual(route!.asPath, [BIG_NODE_ASN])
    },
  },
  { name: 'dynamic AS number: external', settings: { node: { remote: { kind: 'external' } } }, run: works },
  {
    name: 'dynamic AS number: internal',
    settings: { node: { remote: { kind: 'internal' } }, router: { routerAsn: NODE_ASN } },
    run: works,
  },
  {
    name: 'dynamic AS number: internal wanted, external met',
    settings: { node: { remote: { kind: 'internal' } } },
    run: fails(/AS/),
  },
  {
    name: 'another AS number than agreed',
    settings: { node: { remote: { kind: 'asn', asn: ROUTER_ASN + 1 } } },
    run: fails(/AS/),
  },
  { name: 'MD5: the same key', settings: { node: { password: PASSWORD }, router: { password: PASSWORD } }, run: works },
  {
    name: 'MD5: different keys',
    settings: { node: { password: PASSWORD }, router: { password: 'something-else' } },
    run: unanswered,
  },
  { name: 'MD5: only the router has a key', settings: { router: { password: PASSWORD } }, run: unanswered },
  {
    name: 'MD5: a new key on both sides',
    settings: { node: { password: PASSWORD }, router: { password: PASSWORD } },
    cannot: { exabgp: 'gives its listening socket a new key only when it restarts' },
    run: rotate,
  },
  {
    name: 'several hops between them',
    settings: { place: 'far', node: { distance: { kind: 'multihop' } }, router: { multihop: 5 } },
    run: works,
  },
  {
    name: 'GTSM: a neighbor',
    settings: { node: { distance: { kind: 'hops', hops: 1 } }, router: { securityHops: 1 } },
    run: works,
  },
  {
    name: 'GTSM: further away than allowed',
    settings: { place: 'far', node: { distance: { kind: 'hops', hops: 1 } }, router: { multihop: 5 } },
    run: unanswered,
  },
  {
    name: 'GTSM: further away than the router allows',
    settings: { place: 'far', node: { distance: { kind: 'multihop' } }, router: { securityHops: 1 } },
    cannot: { exabgp: 'checks the TTL on connections that it makes, not on those that it takes' },
    run: unheard,
  },
  {
    name: 'passive node: the router calls',
    settings: { node: { isPassive: true }, listenPort: 1179, router: { connects: true, port: 1179 } },
    run: works,
  },
  {
    name: 'roles that fit (RFC 9234)',
    settings: { node: { role: 'customer' }, router: { role: 'provider', requiresRole: true } },
    cannot: { gobgp: NO_ROLES, exabgp: NO_ROLES },
    run: works,
  },
  {
    name: 'roles that do not fit',
    settings: { node: { role: 'provider' }, router: { role: 'provider' } },
    cannot: { gobgp: NO_ROLES, exabgp: NO_ROLES },
    run: fails(/[Rr]ole/),
  },
  {
    name: 'unnumbered: found on its link',
    settings: {
      node: { target: { kind: 'interface', interface: 'eth0' }, remote: { kind: 'external' } },
      router: { address: 'eth0', isUnnumbered: true, families: ['ipv4', 'ipv6'] },
    },
    cannot: {
      bird: NO_UNNUMBERED,
      gobgp: "looks for the neighbor once, when it starts, in the kernel's table",
      exabgp: NO_UNNUMBERED,
    },
    async run(meeting) {
      meeting.announce(hostRoute(VIP), hostRoute(VIP6))
      await meeting.established(30_000)
      const routes = await meeting.routes(`${VIP}/32`, `${VIP6}/128`)
      for (const { nextHops } of routes) assert.match(nextHops.join(), /fe80::/)
    },
  },
]
