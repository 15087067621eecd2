/** The chart's whole life on a whole cluster, with a client that counts what gets no answer meanwhile. */
import assert from 'node:assert/strict'
import { after, before, suite, type TestContext, test } from 'node:test'
import { CHART } from '../../build/chart.ts'
import { buildImage } from '../../build/image.ts'
import { CLEANUP_FINALIZER } from '../../core/status/index.ts'
import { configure, NAMESPACE, ownerOf, type Stage, serve, share } from '../../demo/kubernetes.ts'
import { Story } from '../../demo/story.ts'
import { type Cluster, startCluster } from '../../testkit/cluster/index.ts'
import { eventually } from '../../testkit/eventually.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { helm } from './helm-in-cluster.ts'
import { assertOnlyCut, Requests, tell } from './requests.ts'

const NODES = 2
const INSTALL = ['install', 'invar', CHART, '--namespace', NAMESPACE, '--wait', '--timeout=60s']
const UPGRADE = ['upgrade', 'invar', CHART, '--namespace', NAMESPACE, '--wait', '--timeout=120s']

/** The tests build on one another: they are the scenes of one play. */
suite('helm on a cluster', { timeout: 240_000 }, () => {
  let cluster: Cluster
  let stage: Stage
  let web: string
  let shared: string

  before(async () => {
    if (process.getuid?.() !== 0) return
    const image = await buildImage()
    cluster = await startCluster({ images: [image], nodes: NODES })
    await cluster.ready()
    const story = new Story(() => undefined)
    stage = { story, kubectl: (...of) => cluster.kubectl(...of), waitKubectl: (args) => cluster.startKubectl(args) }
    stage.kubectl(['create', 'namespace', NAMESPACE])
    stage.kubectl(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=privileged'])
  })
  after(() => cluster?.stop())

  function addresses(): string {
    const path = 'jsonpath={range .items[*]}{.metadata.name}={.status.loadBalancer.ingress[*].ip}{"\\n"}{end}'
    return stage.kubectl(['get', 'services', '-o', path])
  }

  /** Nothing but connections that are under way when an address moves is lost while this is done. */
  async function nothingIsLost(t: TestContext, deed: () => Promise<unknown>): Promise<void> {
    const before = addresses()
    const requests = await Requests.begin(cluster.client, shared)
    await deed()
    const sums = await requests.end()
    tell(t, sums)
    assert.equal(addresses(), before)
    assert.deepEqual([sums.datagrams.lost, sums.flow.lost], [[], []])
    assertOnlyCut(sums, NODES)
  }

  function reached(address: string): Promise<string> {
    return eventually(() => cluster.client.run('curl', '-sS', '-m1', `http://${address}/`))
  }

  test('installed on an empty cluster: the first Service is reached', async (t) => {
    if (!requireRoot(t)) return
    const startedAt = performance.now()
    const seconds = () => `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`
    await helm(cluster, ...INSTALL)
    t.diagnostic(`helm install --wait: ${seconds()}`)
    // At once: whoever is told that it is installed may write objects.
    configure(stage)
    web = await serve(stage)
    await reached(web)
    t.diagnostic(`first Service reached: ${seconds()} after helm install began`)
    shared = await share(stage)
    await eventually(() => assert.ok(ownerOf(stage, 'shared-udp')))
  })

  test('upgraded to other values: no address moves, no request is lost', async (t) => {
    if (!requireRoot(t)) return
    const values = ['speaker.gratuitousArpInterval=60', 'controller.logLevel=debug', 'controller.cleanupFinalizer=true']
    await nothingIsLost(t, () => helm(cluster, ...UPGRADE, ...values.flatMap((value) => ['--set', value])))
    assert.match(stage.kubectl(['get', 'service', 'web', '-o', 'jsonpath={.metadata.finalizers}']), /invar\.dev/)
  })

  test('rolled back: the same', async (t) => {
    if (!requireRoot(t)) return
    const rollback = ['rollback', 'invar', '1', '--namespace', NAMESPACE, '--wait', '--timeout=120s']
    await nothingIsLost(t, () => helm(cluster, ...rollback))
    await eventually(() => assertNotHeld(stage))
  })

  test('uninstalled: resources and addresses stay, and no finalizer holds a Service', async (t) => {
    if (!requireRoot(t)) return
    await helm(cluster, ...UPGRADE, '--set', 'controller.cleanupFinalizer=true')
    await eventually(() => assert.throws(() => assertNotHeld(stage)))
    const before = addresses()
    const startedAt = performance.now()
    await helm(cluster, 'uninstall', 'invar', '--namespace', NAMESPACE, '--wait', '--timeout=60s')
    t.diagnostic(`helm uninstall: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`)
    assertNotHeld(stage)
    assert.equal(addresses(), before)
    assert.match(stage.kubectl(['get', 'ipaddresspools,l2advertisements', '-n', NAMESPACE, '-o', 'name']), /first-pool/)
    await eventually(() => assert.equal(stage.kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'name']).trim(), ''))
    // Of what was made for the uninstallation nothing is left either.
    const kinds = 'jobs,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings'
    const left = stage.kubectl(['get', kinds, '-A', '-l', 'app.kubernetes.io/name=invar', '-o', 'name'])
    assert.equal(left.trim(), '')
  })

  test('installed again: the same addresses answer', async (t) => {
    if (!requireRoot(t)) return
    const before = addresses()
    const startedAt = performance.now()
    await helm(cluster, ...INSTALL)
    for (const address of [web, shared]) await reached(address)
    t.diagnostic(`both addresses answer ${((performance.now() - startedAt) / 1_000).toFixed(1)} s after it began`)
    assert.equal(addresses(), before)
  })
})

function assertNotHeld(stage: Stage): void {
  const held = stage.kubectl(['get', 'services', '-A', '-o', 'jsonpath={.items[*].metadata.finalizers}'])
  assert.ok(!held.includes(CLEANUP_FINALIZER), held)
}
