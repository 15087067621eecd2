/** One BGP peer does what it can to be a nuisance; everybody else on the segment must not notice. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../../testkit/eventually.ts'
import { closeLans, createLan, type Lan } from '../../../testkit/netns.ts'
import { requireRoot } from '../../../testkit/privilege.ts'
import { startRawHost } from '../../../testkit/raw-host.ts'
import { ask, CLIENT_MAC_TEXT } from '../../../testkit/raw-host-frames.ts'
import { startRouter } from '../../../testkit/routers/index.ts'
import { startWireNode, type WireNode } from '../../../testkit/wire-node.ts'
import type { DesiredPeer, PeerCounters } from '../messages.ts'

const HOSTILE = fileURLToPath(new URL('../../../testkit/hostile-router-main.ts', import.meta.url))
const [NODE, TOR, NUISANCE, VIP] = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.100']
const [NODE_ASN, ROUTER_ASN] = [64_512, 64_500]
const QUESTIONS = 200
/** Of a machine with far too much work; how much of a flood is read in one turn is held in bgp.test.ts. */
const ANSWER_LIMIT_MS = 2_000
const MOST_GROWTH_BYTES = 64 * 1024 * 1024

afterEach(closeLans)

test('a flood of unknown attributes and a storm of calls: ARP, another session and the memory are as before', {
  timeout: 90_000,
}, async (t) => {
  if (!requireRoot(t)) return
  const lan = network()
  await using tor = await startRouter('bird', {
    ...{ namespace: lan.host('tor'), asn: ROUTER_ASN, routerId: TOR, isCollector: true },
    neighbors: [{ address: NODE, localAddress: TOR, asn: NODE_ASN }],
  })
  const client = await startRawHost(lan.host('client'))
  const node = await startWireNode(lan.host('node'), { name: 'node' })
  node.desire([VIP], ['node'])
  await node.owns(VIP)
  const peers = [peerAt('tor', TOR), { ...peerAt('nuisance', NUISANCE), isPassive: true }]
  const isUp = node.next('peer', ({ peer }) => peer.name === 'tor' && peer.state === 'Established')
  node.post({ kind: 'peers', desired: { peers, listenPort: 179, isDraining: false } })
  await isUp
  const before = residentBytes(node)
  let floodStarted: (() => void) | undefined
  const flooded = new Promise<void>((resolve) => {
    floodStarted = resolve
  })
  const nuisance = lan.host('nuisance').spawn(process.execPath, [HOSTILE, NODE, String(ROUTER_ASN)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  nuisance.on('message', (sent: number) => sent > 10_000 && floodStarted?.())
  await flooded

  const waits: number[] = []
  for (let question = 0; question < QUESTIONS; question++) {
    const askedAt = performance.now()
    await ask(client, VIP)
    waits.push(performance.now() - askedAt)
  }
  const longestMs = Math.max(...waits)
  t.diagnostic(`longest wait for an ARP reply ${longestMs.toFixed(1)} ms`)
  assert.ok(longestMs < ANSWER_LIMIT_MS, `${longestMs} ms`)

  node.post({ kind: 'routes', complete: false, services: [{ key: 'test/web', routes: [hostRoute(VIP)] }] })
  await eventually(
    async () =>
      assert.deepEqual(
        (await tor.routes()).map(({ prefix }) => prefix),
        [`${VIP}/32`],
      ),
    10_000,
  )
  const counters = await readPeers(node)
  const [of, ours] = ['nuisance', 'tor'].map((name) => counters.find((one) => one.name === name)!)
  t.diagnostic(`${of!.received.update} UPDATEs of the nuisance were read`)
  assert.ok(of!.received.update > 10_000 && ours!.isEstablished)
  const grown = residentBytes(node) - before
  t.diagnostic(`resident memory grew by ${Math.round(grown / 1024)} kB`)
  assert.ok(grown < MOST_GROWTH_BYTES, `${grown} bytes`)
})

function network(): Lan {
  return createLan([
    { name: 'node', addresses: [`${NODE}/24`] },
    { name: 'tor', addresses: [`${TOR}/24`] },
    { name: 'nuisance', addresses: [`${NUISANCE}/24`] },
    { name: 'client', mac: CLIENT_MAC_TEXT, addresses: ['192.0.2.99/24'] },
  ])
}

function peerAt(name: string, address: string): DesiredPeer {
  return {
    ...{ name, target: { kind: 'address', address }, port: 179, localAsn: NODE_ASN, routerId: undefined },
    ...{ remote: { kind: 'asn', asn: ROUTER_ASN }, holdTimeSeconds: 90, keepaliveTimeSeconds: undefined },
    ...{ connectTimeSeconds: 1, dualStack: false, distance: { kind: 'direct' }, sourceAddress: undefined },
    ...{ device: undefined, password: undefined, restartTimeSeconds: undefined, role: undefined, mustHaveRole: false },
    ...{ isPassive: false, bfd: undefined },
  }
}

function hostRoute(address: string) {
  const attributes = { localPreference: undefined, communities: [], largeCommunities: [], peers: undefined }
  return { prefix: `${address}/32`, advertisement: 'all', ...attributes }
}

async function readPeers(node: WireNode): Promise<readonly PeerCounters[]> {
  const counters = node.next('counters')
  node.post({ kind: 'read-counters', id: 1 })
  return (await counters).counters.peers
}

function residentBytes({ pid }: WireNode): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}
