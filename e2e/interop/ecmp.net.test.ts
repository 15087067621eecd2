/** Three nodes announce one address to FRR; a client behind it reaches all three, also while one of them dies. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../testkit/eventually.ts'
import { closeLans, createLan, type Host, type Lan } from '../../testkit/netns.ts'
import { require, requireRoot } from '../../testkit/privilege.ts'
import { missingRouterPrograms, type Router, startRouter } from '../../testkit/routers/index.ts'
import { startWireNode } from '../../testkit/wire-node.ts'
import type { Request } from './ecmp-host.ts'
import { forwarding, hostRoute, NODE_ASN, plainPeer, ROUTER_ASN, VIP } from './meeting.ts'

const HOST = fileURLToPath(new URL('./ecmp-host.ts', import.meta.url))
const ROUTER = '192.0.2.1'
const NODES = ['alpha', 'bravo', 'charlie'] as const
const REQUEST_INTERVAL_MS = 5
const BFD = { intervalMs: 50, multiplier: 3 }
/**
 * From the death of a node on; requests that begin later must be answered. Detection takes 150 ms and 200 ms are what
 * a quiet machine keeps (the figure is printed); this one may run other tests beside.
 */
const FORGIVEN_MS = 600

after(closeLans)

test('three paths to one address; a node dies with BFD at 50 ms × 3', { timeout: 90_000 }, async (t) => {
  if (!requireRoot(t)) return
  const missing = missingRouterPrograms()
  if (!require(t, missing.length === 0, `${missing.join(', ')}: run \`node build/packages.ts\``)) return
  using lan = network()
  await using router = await startFrr(lan)
  await Promise.all(NODES.map((name, index) => startNode(lan, name, index)))
  await eventually(async () => {
    assert.equal((await router.routes()).length, NODES.length)
    for (const index of NODES.keys()) assert.equal((await router.neighbor(addressOf(index))).bfd, 'up')
  }, 30_000)
  const requests = startClient(lan)

  await delay(2_000)
  assert.deepEqual(answering(requests, 0), [...NODES], 'each node gets its share')

  lan.host('bravo').unplug()
  const diedAtMs = performance.timeOrigin + performance.now()
  await delay(4_000)
  const late = requests.filter(({ beganAtMs, node }) => beganAtMs > diedAtMs && node === undefined)
  const lastFailureMs = Math.max(0, ...late.map(({ beganAtMs }) => beganAtMs - diedAtMs))
  t.diagnostic(
    `${late.length} requests failed, the last one began ${lastFailureMs.toFixed(0)} ms after the node had died`,
  )
  assert.ok(lastFailureMs <= FORGIVEN_MS, `a request that began after ${lastFailureMs.toFixed(0)} ms failed`)
  assert.deepEqual(answering(requests, diedAtMs + FORGIVEN_MS), ['alpha', 'charlie'])
})

function addressOf(index: number): string {
  return `192.0.2.${11 + index}`
}

/** Nodes and router on one network, the client on another one behind the router. */
function network(): Lan {
  const lan = createLan([
    { name: 'router', addresses: [`${ROUTER}/24`, '203.0.113.1/24'] },
    { name: 'client', addresses: ['203.0.113.9/24'] },
    ...NODES.map((name, index) => ({ name, addresses: [`${addressOf(index)}/24`] })),
  ])
  forwarding(lan.host('router'))
  lan.host('router').run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/fib_multipath_hash_policy')
  lan.host('client').run('ip', 'route', 'add', 'default', 'via', '203.0.113.1')
  return lan
}

async function startFrr(lan: Lan): Promise<Router> {
  const common = { localAddress: ROUTER, asn: NODE_ASN, bfd: BFD }
  const router = await startRouter('frr', {
    namespace: lan.host('router'),
    asn: ROUTER_ASN,
    routerId: ROUTER,
    neighbors: NODES.map((_, index) => ({ ...common, address: addressOf(index) })),
  })
  // It stands for a machine of its own, which is not busy with other tests.
  for (const pid of router.pids) setPriority(pid, -20)
  return router
}

async function startNode(lan: Lan, name: string, index: number): Promise<void> {
  const host = lan.host(name)
  host.run('ip', 'address', 'add', `${VIP}/32`, 'dev', 'lo')
  host.run('ip', 'route', 'add', '203.0.113.0/24', 'via', ROUTER)
  await once(program(host, ['serve', name, VIP]), 'message')
  const node = await startWireNode(host, { name })
  const bfd = {
    transmitIntervalMs: BFD.intervalMs,
    receiveIntervalMs: BFD.intervalMs,
    detectMultiplier: BFD.multiplier,
  }
  const peer = {
    ...plainPeer(ROUTER, ROUTER_ASN),
    routerId: addressOf(index),
    bfd: { ...bfd, echoIntervalMs: undefined, isPassive: false, minimumTtl: undefined },
  }
  node.post({ kind: 'peers', desired: { peers: [peer], listenPort: 179, isDraining: false } })
  node.post({ kind: 'routes', complete: true, services: [{ key: 'test/web', routes: [hostRoute(VIP)] }] })
}

/** What it asks for grows while it runs. */
function startClient(lan: Lan): readonly Request[] {
  const requests: Request[] = []
  const client = program(lan.host('client'), ['ask', VIP, String(REQUEST_INTERVAL_MS)])
  client.on('message', (request: Request) => requests.push(request))
  return requests
}

function program(host: Host, args: readonly string[]): ChildProcess {
  return host.spawn(process.execPath, [HOST, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/** Names of the nodes that answered requests begun after that moment. */
function answering(requests: readonly Request[], afterMs: number): string[] {
  const answered = requests.filter(({ beganAtMs, node }) => beganAtMs > afterMs && node !== undefined)
  return [...new Set(answered.map(({ node }) => node!))].sort()
}
