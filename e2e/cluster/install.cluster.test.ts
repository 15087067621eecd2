/** The chart's whole life on a whole cluster, with a client that counts what gets no answer meanwhile. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, type TestContext, test } from 'node:test'
import { CLEANUP_FINALIZER } from '../../core/status/index.ts'
import { configure, NAMESPACE, ownerOf, type Stage, serve, share } from '../../demo/kubernetes.ts'
import type { ServiceRow } from '../../page/model.ts'
import { type Cluster, LAN_HOSTS } from '../../testkit/cluster/index.ts'
import { eventually } from '../../testkit/eventually.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import type { Commands } from './commands.ts'
import { assertOnlyCut, Requests, tell } from './requests.ts'
import { emptyStage, shownAddresses } from './stage.ts'

const NODES = 2
const EXAMPLES = join(import.meta.dirname, '..', 'examples')
const INSTALL = `helm install invar charts/invar --namespace ${NAMESPACE} --wait --timeout=60s`
const UPGRADE = `helm upgrade invar charts/invar --namespace ${NAMESPACE} --wait --timeout=120s`

/** The tests build on one another: they are the scenes of one play. */
suite('helm on a cluster', { timeout: 240_000 }, () => {
  let cluster: Cluster
  let commands: Commands
  let stage: Stage
  let web: string
  let shared: string

  before(async () => {
    if (process.getuid?.() !== 0) return
    ;({ cluster, commands, stage } = await emptyStage(NODES))
  })
  after(() => cluster?.stop())

  /** Nothing but connections that are under way when an address moves is lost while this is done. */
  async function nothingIsLost(t: TestContext, deed: () => Promise<unknown>): Promise<void> {
    const before = shownAddresses(stage)
    const requests = await Requests.begin(cluster.client, shared)
    await deed()
    const sums = await requests.end()
    tell(t, sums)
    assert.equal(shownAddresses(stage), before)
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
    await commands.succeed(INSTALL)
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
    const values = [
      ...['speaker.gratuitousArpInterval=60', 'controller.logLevel=debug', 'controller.cleanupFinalizer=true'],
      ...['speaker.netBindService=true', 'controller.page.enabled=true'],
    ]
    await nothingIsLost(t, () => commands.succeed(`${UPGRADE} --set ${values.join(',')}`))
    await eventually(() => assert.throws(() => assertNotHeld(stage)))
    await listensForPeers(stage, cluster)
  })

  test('the web page: through the API server, with a token of its own account', async (t) => {
    if (!requireRoot(t)) return
    const inside = `nsenter --net=${cluster.lan.host('cp').path} -- ${process.execPath}`
    const told = await commands.succeed(`
      invarctl ui --no-open > page.txt & ui=$!
      trap "kill $ui" EXIT
      until grep -q http: page.txt; do kill -0 $ui; sleep 0.1; done
      ${inside} ${join(import.meta.dirname, 'page-reader-main.ts')} $(grep -o 'http:[^ ]*' page.txt)`)
    const { title, services } = JSON.parse(told) as { readonly title: string; readonly services: readonly ServiceRow[] }
    assert.equal(title, 'Invar')
    const served = services.find(({ key }) => key === 'default/web')
    assert.deepEqual([served?.standing, served?.addresses], ['served', [web]])
  })

  test('rolled back: the same', async (t) => {
    if (!requireRoot(t)) return
    const rollback = `helm rollback invar 1 --namespace ${NAMESPACE} --wait --timeout=120s`
    await nothingIsLost(t, () => commands.succeed(rollback))
    await eventually(() => assertNotHeld(stage))
  })

  test('uninstalled: resources and addresses stay, and no finalizer holds a Service', async (t) => {
    if (!requireRoot(t)) return
    await commands.succeed(`${UPGRADE} --set controller.cleanupFinalizer=true`)
    await eventually(() => assert.throws(() => assertNotHeld(stage)))
    const before = shownAddresses(stage)
    const startedAt = performance.now()
    await commands.succeed(`helm uninstall invar --namespace ${NAMESPACE} --wait --timeout=60s`)
    t.diagnostic(`helm uninstall: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`)
    assertNotHeld(stage)
    assert.equal(shownAddresses(stage), before)
    assert.match(stage.kubectl(['get', 'ipaddresspools,l2advertisements', '-n', NAMESPACE, '-o', 'name']), /first-pool/)
    await eventually(() => assert.equal(stage.kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'name']).trim(), ''))
    // Of what was made for the uninstallation nothing is left either.
    const kinds = 'jobs,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings'
    const left = stage.kubectl(['get', kinds, '-A', '-l', 'app.kubernetes.io/name=invar', '-o', 'name'])
    assert.equal(left.trim(), '')
  })

  test('installed again: the same addresses answer', async (t) => {
    if (!requireRoot(t)) return
    const before = shownAddresses(stage)
    const startedAt = performance.now()
    await commands.succeed(INSTALL)
    for (const address of [web, shared]) await reached(address)
    t.diagnostic(`both addresses answer ${((performance.now() - startedAt) / 1_000).toFixed(1)} s after it began`)
    assert.equal(shownAddresses(stage), before)
  })

  test('the examples of every kind and field: accepted, and in force', async (t) => {
    if (!requireRoot(t)) return
    // In the order of the files' names: what refers to something often comes before it.
    await stage.waitKubectl(['apply', '-f', EXAMPLES])
    await eventually(() => {
      const path = 'jsonpath={range .items[*]}{.status.result} {.status.errorSummary}{"\\n"}{end}'
      const results = stage.kubectl(['get', 'configurationstates', '-n', NAMESPACE, '-o', path]).trim().split('\n')
      assert.deepEqual(
        results.map((line) => line.trim()),
        Array.from({ length: 1 + NODES }, () => 'Valid'),
      )
    })
    for (const [service, wanted] of Object.entries(ADDRESSES_OF_EXAMPLES)) {
      const [namespace, name] = service.split('/') as [string, string]
      const path = 'jsonpath={.status.loadBalancer.ingress[*].ip}'
      const given = () => stage.kubectl(['get', 'service', name, '-n', namespace, '-o', path])
      await eventually(() => assert.match(given(), wanted, service))
    }
    await eventually(async () => {
      const { out } = await commands.run('invarctl peers -o json')
      const rows: readonly { readonly node: string; readonly peer: string }[] = JSON.parse(out).peers
      assert.deepEqual(rows.map(({ node, peer }) => `${node} ${peer}`).sort(), PEERS_OF_EXAMPLES)
    })
  })
})

/** By e2e/examples/services.yaml and pools.yaml. */
const ADDRESSES_OF_EXAMPLES: Readonly<Record<string, RegExp>> = {
  'team-a/by-pool': /^203\.0\.113\.[1-9]\d*$/,
  'team-a/by-pool-as-before': /^192\.0\.2\.\d+$/,
  'team-a/by-address': /^198\.51\.100\.2$/,
  'team-a/of-the-team': /^198\.51\.100\.(6[4-9]|[78]\d|9[0-5])$/,
  'team-of-b/by-namespace-label': /^198\.51\.100\.(6[4-9]|[78]\d|9[0-5])$/,
  'team-a/dns-tcp': /^192\.0\.2\.110$/,
  'team-a/dns-udp': /^192\.0\.2\.110$/,
  'team-a/both-families': /^192\.0\.2\.3 2001:db8:1::3$/,
  'team-a/old-field': /^198\.51\.100\.1$/,
}

/** By the node selectors in e2e/examples/bgp-peers.yaml. */
const PEERS_OF_EXAMPLES = [
  ...['n1 both-families', 'n1 far-away', 'n1 in-a-vrf', 'n1 simple', 'n1 unnumbered'],
  ...['n2 both-families', 'n2 in-a-vrf', 'n2 old-version', 'n2 simple', 'n2 unnumbered'],
]

/** A router that connects to us finds port 179 open, though the speaker is not root. */
async function listensForPeers(stage: Stage, cluster: Cluster): Promise<void> {
  const peer = {
    ...{ apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer' },
    metadata: { name: 'passive', namespace: NAMESPACE, annotations: { 'invar.dev/passive': 'true' } },
    spec: { myASN: 64500, peerASN: 64501, peerAddress: LAN_HOSTS.client.address4 },
  }
  stage.kubectl(['apply', '-f', '-'], JSON.stringify(peer))
  // /proc/net/tcp: state 0A = LISTEN, port 179 = 00B3.
  for (const { host } of cluster.nodes) {
    await eventually(() => assert.match(host.run('cat', '/proc/net/tcp'), /^ *\d+: \S+:00B3 \S+ 0A /m))
  }
  stage.kubectl(['delete', 'bgppeer', 'passive', '-n', NAMESPACE])
}

function assertNotHeld(stage: Stage): void {
  const held = stage.kubectl(['get', 'services', '-A', '-o', 'jsonpath={.items[*].metadata.finalizers}'])
  assert.ok(!held.includes(CLEANUP_FINALIZER), held)
}
