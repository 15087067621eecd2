/**
 * Planned moves on a whole cluster, with a client that counts every request that got no answer. What may be lost: nothing
 * by UDP. By TCP a connection that is under way at the very moment is cut, because its translation lives in the kernel
 * of the node that it came through (kube-proxy, externalTrafficPolicy: Cluster): it is reset, and the client knows.
 */
import assert from 'node:assert/strict'
import { after, before, suite, type TestContext, test } from 'node:test'
import { buildImage, imageReference } from '../../build/image.ts'
import { configure, install, NAMESPACE, ownerOf, type Stage, serve, share } from '../../demo/kubernetes.ts'
import { type Cluster, startCluster } from '../../testkit/cluster/index.ts'
import { eventually } from '../../testkit/eventually.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { assertOnlyCut, Requests, tell } from './requests.ts'
import { silentStage } from './stage.ts'

const NODES = 3
suite('planned moves on a cluster', { timeout: 300_000 }, () => {
  let cluster: Cluster
  let stage: Stage
  let address: string

  before(async () => {
    if (process.getuid?.() !== 0) return
    const image = await buildImage()
    cluster = await startCluster({ images: [image], nodes: NODES })
    await cluster.ready()
    stage = silentStage(cluster)
    await install(stage)
    configure(stage)
    await serve(stage)
    await leaveInPeace(stage)
    address = await share(stage)
    await eventually(() => assert.ok(ownerOf(stage, 'shared-udp')))
  })
  after(() => cluster?.stop())

  /** Judges what the client lost while this was done, which moves the address so many times at most. */
  async function nothingIsLost(t: TestContext, moves: number, deed: () => Promise<unknown>): Promise<void> {
    const requests = await Requests.begin(cluster.client, address)
    const ownerBefore = ownerOf(stage, 'shared-udp')
    await deed()
    const sums = await requests.end()
    t.diagnostic(`owner ${ownerBefore} → ${ownerOf(stage, 'shared-udp')}`)
    tell(t, sums)
    assert.deepEqual(sums.datagrams.lost, [])
    assert.deepEqual(sums.flow.lost, [])
    assertOnlyCut(sums, moves)
  }

  test('kubectl rollout restart of the speakers', async (t) => {
    if (!requireRoot(t)) return
    await nothingIsLost(t, NODES, async () => {
      stage.kubectl(['rollout', 'restart', 'daemonset/speaker', `--namespace=${NAMESPACE}`])
      await rolledOut(stage)
    })
  })

  test('another image', async (t) => {
    if (!requireRoot(t)) return
    const next = imageReference().replace(/:.*$/, ':next')
    for (const node of cluster.nodes) node.run('ctr', '--namespace', 'k8s.io', 'image', 'tag', imageReference(), next)
    await nothingIsLost(t, NODES, async () => {
      stage.kubectl(['set', 'image', 'daemonset/speaker', `speaker=${next}`, `--namespace=${NAMESPACE}`])
      await rolledOut(stage)
    })
  })

  test('the node is cordoned: the address leaves it', async (t) => {
    if (!requireRoot(t)) return
    const owner = ownerOf(stage, 'shared-udp')!
    await nothingIsLost(t, 1, async () => {
      stage.kubectl(['cordon', owner])
      await eventually(() => assert.notEqual(ownerOf(stage, 'shared-udp'), owner))
    })
  })

  // Whichever node the address is on, kube-proxy forgets the translations of a Pod's datagrams when the Pod leaves, those
  // under way too: what is lost by UDP here is only told.
  test('the cordoned node is drained, and comes back: the address does not follow it', async (t) => {
    if (!requireRoot(t)) return
    const cordoned = stage.kubectl(['get', 'nodes', '--field-selector=spec.unschedulable=true', '-o', 'name']).trim()
    const owner = ownerOf(stage, 'shared-udp')
    const requests = await Requests.begin(cluster.client, address)
    await stage.waitKubectl(['drain', cordoned, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=60s'])
    stage.kubectl(['uncordon', cordoned])
    await stage.waitKubectl(['rollout', 'status', 'deployment/web', '--timeout=60s'])
    const sums = await requests.end()
    tell(t, sums)
    t.diagnostic(`owner ${owner} → ${ownerOf(stage, 'shared-udp')}`)
    assert.notEqual(`node/${ownerOf(stage, 'shared-udp')}`, cordoned)
    assertOnlyCut(sums, 1)
  })

  test('no speaker was restarted but as asked', (t) => {
    if (!requireRoot(t)) return
    const path = 'jsonpath={.items[*].status.containerStatuses[*].restartCount}'
    assert.match(stage.kubectl(['get', 'pods', `--namespace=${NAMESPACE}`, '-o', path]), /^0( 0)*$/)
  })
})

function rolledOut(stage: Stage): Promise<string> {
  return stage.waitKubectl(['rollout', 'status', 'daemonset/speaker', `--namespace=${NAMESPACE}`, '--timeout=120s'])
}

/** A Pod that ends goes on serving until every kube-proxy has heard of it: that is for the application to see to. */
async function leaveInPeace(stage: Stage): Promise<void> {
  const lifecycle = { preStop: { sleep: { seconds: 3 } } }
  const spec = { terminationGracePeriodSeconds: 6, containers: [{ name: 'web', lifecycle }] }
  stage.kubectl(['patch', 'deployment/web', '-p', JSON.stringify({ spec: { template: { spec } } })])
  await stage.waitKubectl(['rollout', 'status', 'deployment/web', '--timeout=60s'])
}
