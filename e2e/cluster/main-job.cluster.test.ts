import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { buildImage } from '../../build/image.ts'
import type { PeerRow } from '../../cli/peers.ts'
import type { PeerRoutes } from '../../cli/routes.ts'
import { configure, install, NAMESPACE, ownerOf, type Stage, serve, share } from '../../demo/kubernetes.ts'
import { Probe } from '../../demo/probe.ts'
import { type Cluster, type ClusterNode, startCluster } from '../../testkit/cluster/index.ts'
import { eventually } from '../../testkit/eventually.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { announceNoMoreTo, announceTo, startClusterRouter } from './bgp-in-cluster.ts'
import { invarctl } from './invarctl-in-cluster.ts'
import { silentStage } from './stage.ts'

/** Far above what a takeover takes, far below what Kubernetes needs to notice that a node is gone. */
const TAKEOVER_LIMIT_MS = 2_000

/** /proc/PID/status of the speaker. */
const SPEAKER_STATUS = `
  for process in /proc/[0-9]*; do
    case "$(tr '\\0' ' ' < $process/cmdline)" in /bin/node*/app/speaker/main.js*) cat $process/status; break ;; esac
  done`

/** The tests build on one another: they are the scenes of one play. */
suite('the main job on a cluster', { timeout: 240_000 }, () => {
  let cluster: Cluster
  let stage: Stage
  let address: string
  let shared: string

  before(async () => {
    if (process.getuid?.() !== 0) return
    const image = await buildImage()
    cluster = await startCluster({ images: [image] })
    await cluster.ready()
    stage = silentStage(cluster)
  })
  after(() => cluster?.stop())

  test('controller and speakers become ready from deploy/', async (t) => {
    if (!requireRoot(t)) return
    await install(stage)
  })

  test('the speaker is not root and has NET_RAW, nothing else, and no way to more', (t) => {
    if (!requireRoot(t)) return
    for (const node of cluster.nodes) {
      const status = node.run('sh', '-c', SPEAKER_STATUS)
      assert.match(status, /^Uid:\t65532\t65532\t65532\t65532$/m)
      // Bit 13 is CAP_NET_RAW, capabilities(7).
      assert.match(status, /^CapEff:\t0000000000002000$/m)
      assert.match(status, /^CapBnd:\t0000000000002000$/m)
      assert.match(status, /^NoNewPrivs:\t1$/m)
      assert.match(status, /^Seccomp:\t2$/m)
    }
  })

  test('a Service gets an address of the pool and answers on it, through the node that the status names', async (t) => {
    if (!requireRoot(t)) return
    configure(stage)
    address = await serve(stage)
    assert.match(address, /^172\.30\.0\.2[01]\d$/)
    const answer = await eventually(() => cluster.client.run('curl', '-sS', '-m1', `http://${address}/`))
    assert.match(answer, /^host=web-/)
    await eventually(() => assert.equal(ownerOf(stage, 'web'), neighbour(cluster, address).name))
  })

  test('two Services share one address, TCP and UDP', async (t) => {
    if (!requireRoot(t)) return
    shared = await share(stage)
    assert.notEqual(shared, address)
    await eventually(() => cluster.client.run('curl', '-sS', '-m1', `http://${shared}/`))
    const probe = new Probe(cluster.client, shared, 53)
    assert.match(await probe.began(), /protocol=udp/)
    await probe.stop()
  })

  test('a pool that overlaps another is refused when it is applied, in the words of the webhook', async (t) => {
    if (!requireRoot(t)) return
    const overlapping = {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { name: 'overlapping', namespace: NAMESPACE },
      spec: { addresses: ['172.30.0.210/32'] },
    }
    const apply = () => stage.kubectl(['apply', '-f', '-'], JSON.stringify(overlapping))
    assert.throws(apply, /denied the request: .*"172\.30\.0\.210\/32" overlaps with .* pool first-pool/)
  })

  // Before a node dies: it may be the controller's, which then waits for Kubernetes to notice.
  test('an address outside every pool is refused with an event that names it; the others go on', async (t) => {
    if (!requireRoot(t)) return
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'greedy', annotations: { 'metallb.io/loadBalancerIPs': '198.51.100.1' } },
      spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    }
    stage.kubectl(['apply', '-f', '-'], JSON.stringify(service))
    const events = [
      'get',
      'events',
      '--field-selector=involvedObject.name=greedy',
      '-o',
      'jsonpath={.items[*].message}',
    ]
    await eventually(() => assert.match(stage.kubectl(events), /198\.51\.100\.1/))
    await eventually(() => cluster.client.run('curl', '-sS', '-m1', `http://${address}/`))
  })

  test('a router has the route from every node; invarctl tells how the sessions stand and what it was told', async (t) => {
    if (!requireRoot(t)) return
    await using router = await startClusterRouter(cluster)
    announceTo(cluster, 'tor')
    const route = `${address}/32`
    await eventually(async () => {
      const paths = (await router.routes()).filter(({ prefix }) => prefix === route)
      const nextHops = paths.flatMap((path) => path.nextHops).sort()
      assert.deepEqual(nextHops, cluster.nodes.map(({ network }) => network.address4).sort())
    })
    const names = cluster.nodes.map(({ name }) => name).sort()
    const peers = await invarctl(cluster, 'peers', '-o', 'json')
    assert.equal(peers.code, 0, peers.err)
    const rows: readonly PeerRow[] = JSON.parse(peers.out).peers
    assert.deepEqual(
      rows.map(({ node, peer, state }) => [node, peer, state]),
      names.map((node) => [node, 'tor', 'Established']),
    )
    const told = await invarctl(cluster, 'routes', 'tor', '-o', 'json')
    assert.equal(told.code, 0, told.err)
    const tables: readonly PeerRoutes[] = JSON.parse(told.out).peers
    for (const [index, { node, routes }] of tables.entries()) {
      const { state, communities, advertisements } = routes?.find(({ prefix }) => prefix === route) ?? {}
      assert.deepEqual([node, state, communities, advertisements], [names[index], 'announced', ['64512:100'], ['tor']])
    }
    assert.equal(tables.length, names.length)
    announceNoMoreTo(cluster, 'tor')
    await eventually(async () => assert.deepEqual(await router.routes(), []))
  })

  test("the owner's node loses its power: another answers, the address is the same, others do not move", async (t) => {
    if (!requireRoot(t)) return
    const owner = neighbour(cluster, shared)
    const bystander = neighbour(cluster, address)
    const probe = new Probe(cluster.client, shared, 53)
    await probe.began()
    probe.forget()
    await owner.powerOff()
    const silence = await probe.silence(30_000)
    const { longestSilenceMs } = await probe.stop()
    assert.ok(silence !== undefined, 'the address stayed dark')
    t.diagnostic(`dark for ${longestSilenceMs} ms`)
    assert.ok(longestSilenceMs < TAKEOVER_LIMIT_MS, `dark for ${longestSilenceMs} ms`)
    assert.notEqual(neighbour(cluster, shared), owner)
    await eventually(() => assert.equal(ownerOf(stage, 'shared-udp'), neighbour(cluster, shared).name))
    if (bystander !== owner) assert.equal(neighbour(cluster, address), bystander)
    const path = 'jsonpath={.status.loadBalancer.ingress[*].ip}'
    assert.equal(stage.kubectl(['get', 'service', 'shared-udp', '-o', path]), shared)
  })

  test('no container was restarted meanwhile', (t) => {
    if (!requireRoot(t)) return
    const path = 'jsonpath={.items[*].status.containerStatuses[*].restartCount}'
    const counts = stage.kubectl(['get', 'pods', `--namespace=${NAMESPACE}`, '-o', path])
    if (!/^0( 0)*$/.test(counts)) assert.fail(`restarts: ${counts}\n${lastWords(stage)}`)
  })
})

/** What restarted containers said before they ended. */
function lastWords(stage: Stage): string {
  const pods = stage
    .kubectl(['get', 'pods', `--namespace=${NAMESPACE}`, '-o', 'name'])
    .trim()
    .split('\n')
  const previous = pods.map((pod) => {
    try {
      return stage.kubectl(['logs', '--previous', '--tail=5', '--request-timeout=2s', `--namespace=${NAMESPACE}`, pod])
    } catch {
      // It was not restarted, or its node is off.
      return ''
    }
  })
  return previous.join('')
}

/** The node whose MAC the client has for an address. */
function neighbour(cluster: Cluster, address: string): ClusterNode {
  const line = cluster.client.run('ip', 'neigh', 'show', address)
  const node = cluster.nodes.find(({ network }) => line.includes(network.mac))
  assert.ok(node !== undefined, `no node's MAC in: ${line}`)
  return node
}
