/** The harness itself: the routers speak to each other. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { eventually } from '../eventually.ts'
import { closeLans, createLan } from '../netns.ts'
import { require, requireRoot } from '../privilege.ts'
import { missingRouterPrograms, type NeighborOptions, type Router, type RouterKind, startRouter } from './index.ts'

const LIMIT = { timeout: 60_000 }
const [LEFT, RIGHT] = ['192.0.2.1', '192.0.2.2']
const [LEFT6, RIGHT6] = ['2001:db8::1', '2001:db8::2']

afterEach(closeLans)

function routerTest(name: string, run: () => Promise<void>): void {
  test(name, LIMIT, async (t) => {
    if (!requireRoot(t)) return
    const missing = missingRouterPrograms()
    if (require(t, missing.length === 0, `${missing.join(', ')}: run \`node build/packages.ts\``)) await run()
  })
}

interface Meeting {
  readonly lan: ReturnType<typeof createLan>
  readonly left: Router
  readonly right: Router
}

/** The left one calls the right one, which announces a prefix of each family. */
async function meet(left: RouterKind, right: RouterKind, more: Partial<NeighborOptions> = {}): Promise<Meeting> {
  const lan = createLan([
    { name: 'left', addresses: [`${LEFT}/24`, `${LEFT6}/64`] },
    { name: 'right', addresses: [`${RIGHT}/24`, `${RIGHT6}/64`] },
  ])
  const families = { families: ['ipv4'] as const, ...more }
  const starting = [
    startRouter(left, {
      namespace: lan.host('left'),
      asn: 64500,
      routerId: LEFT,
      neighbors: [{ ...families, address: RIGHT, localAddress: LEFT, asn: 4200000000, connects: true }],
    }),
    startRouter(right, {
      namespace: lan.host('right'),
      asn: 4200000000,
      routerId: RIGHT,
      neighbors: [{ ...families, address: LEFT, localAddress: RIGHT, asn: 64500 }],
      networks: ['203.0.113.0/24'],
    }),
  ]
  const [one, other] = await Promise.all(starting)
  return { lan, left: one!, right: other! }
}

const PAIRS: readonly (readonly [RouterKind, RouterKind])[] = [
  ['frr', 'bird'],
  ['bird', 'frr'],
  ['gobgp', 'exabgp'],
  ['exabgp', 'gobgp'],
]

for (const [left, right] of PAIRS) {
  routerTest(`${left} calls ${right}, with MD5: a route arrives`, async () => {
    const { lan, ...routers } = await meet(left, right, { password: 'correct-horse' })
    await using one = routers.left
    await using other = routers.right
    await eventually(async () => {
      assert.ok((await one.neighbor(RIGHT)).isEstablished, JSON.stringify(await one.neighbor(RIGHT)))
      assert.ok((await other.neighbor(LEFT)).isEstablished)
      const [route] = await one.routes()
      assert.deepEqual([route?.prefix, route?.nextHops, route?.asPath], ['203.0.113.0/24', [RIGHT], [4200000000]])
    }, 30_000)
    assert.equal((await one.neighbor(RIGHT)).received, 1)
    assert.match(one.version, /\d+\.\d+/)
    lan.close()
  })
}

routerTest('BFD between FRR and BIRD', async () => {
  const { lan, ...routers } = await meet('frr', 'bird', { bfd: { intervalMs: 50, multiplier: 3 } })
  await using frr = routers.left
  await using bird = routers.right
  await eventually(async () => {
    assert.equal((await frr.neighbor(RIGHT)).bfd, 'up')
    assert.equal((await bird.neighbor(LEFT)).bfd, 'up')
    assert.ok((await frr.neighbor(RIGHT)).isEstablished)
  }, 30_000)
  lan.host('right').unplug()
  await eventually(async () => assert.equal((await frr.neighbor(RIGHT)).isEstablished, false), 1_000)
})
