/** The configuration for UniFi gateways, which are FRR underneath, as it stands in the documentation, on FRR. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventually } from '../../testkit/eventually.ts'
import { closeLans, createLan } from '../../testkit/netns.ts'
import { blocksOf } from '../../testkit/pages.ts'
import { require, requireRoot } from '../../testkit/privilege.ts'
import { missingRouterPrograms, startRouter } from '../../testkit/routers/index.ts'
import { startWireNode } from '../../testkit/wire-node.ts'
import { hostRoute, plainPeer, ROUTER_ASN, VIP } from './meeting.ts'

/** As the page has them. */
const ROUTER = '192.0.2.1'
const NODES = ['192.0.2.11', '192.0.2.12', '192.0.2.13'] as const
const OUTSIDE_THE_POOL = '203.0.113.10'

after(closeLans)

function configurationOnPage(): string {
  const found = blocksOf('docs/routers/others.md').find(({ text }) => text.includes('neighbor kubernetes peer-group\n'))
  assert.ok(found !== undefined)
  return found.text
}

test('three nodes are heard, the pool is routed to all of them, and nothing else is', async (t) => {
  if (!requireRoot(t)) return
  const missing = missingRouterPrograms()
  if (!require(t, missing.length === 0, `${missing.join(', ')}: run \`node build/packages.ts\``)) return
  const hosts = [ROUTER, ...NODES].map((address) => ({ name: nameOf(address), addresses: [`${address}/24`] }))
  using lan = createLan(hosts)
  const namespace = lan.host(nameOf(ROUTER))
  const settings = { namespace, asn: ROUTER_ASN, routerId: ROUTER, neighbors: [] }
  await using router = await startRouter('frr', { ...settings, configuration: configurationOnPage() })
  for (const routerId of NODES) {
    const node = await startWireNode(lan.host(nameOf(routerId)), { name: nameOf(routerId) })
    const peer = { ...plainPeer(ROUTER, ROUTER_ASN), routerId }
    const routes = [hostRoute(VIP), hostRoute(OUTSIDE_THE_POOL)]
    node.post({ kind: 'peers', desired: { peers: [peer], listenPort: 179, isDraining: false } })
    node.post({ kind: 'routes', complete: true, services: [{ key: 'test/web', routes }] })
  }
  await eventually(async () => {
    const shown = (await router.routes()).map(({ prefix, nextHops }) => `${prefix} via ${nextHops}`)
    assert.deepEqual(
      shown.sort(),
      NODES.map((node) => `${VIP}/32 via ${node}`),
    )
  }, 30_000)
  const inKernel = await eventually(() => {
    const text = namespace.run('ip', 'route', 'show', VIP)
    assert.equal(text.match(/nexthop/g)?.length, NODES.length, text)
    return text
  }, 10_000)
  for (const node of NODES) assert.match(inKernel, new RegExp(`nexthop via ${node} `))
})

/** Interfaces have short names. */
function nameOf(address: string): string {
  return `host${address.split('.').at(-1)}`
}
