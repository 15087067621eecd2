/**
 * From MetalLB to Invar and back on a whole cluster, by docs/migrate-from-metallb.md, with a client that counts what gets
 * no answer meanwhile. There is no MetalLB here: what stands in for it is in e2e/metallb.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { imageReference } from '../../build/image.ts'
import { configure, NAMESPACE, ownerOf, type Stage, serve, share } from '../../demo/kubernetes.ts'
import type { Cluster } from '../../testkit/cluster/index.ts'
import { eventually } from '../../testkit/eventually.ts'
import { blocksOf } from '../../testkit/pages.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { STAND_IN_IMAGES, writeStandInChart } from '../metallb/stand-in.ts'
import type { Commands } from './commands.ts'
import { Requests, tell } from './requests.ts'
import { emptyStage, shownAddresses } from './stage.ts'

const NODES = 2
/** The commands of the page, as they stand there. The fourth is for plain manifests: cli/migrate runs it. */
const BLOCKS = blocksOf('docs/migrate-from-metallb.md').filter(({ language }) => language === 'sh')
const [LOOK = '', FIRST_HALF = '', INSTALL = '', , SECOND_HALF = '', LOOK_AGAIN = '', BACK = ''] = BLOCKS.map(
  ({ text }) => text.trim(),
)
/** From the end of MetalLB's speakers to an answer of Invar's a Pod is scheduled and started; on a busy machine, slowly. */
const SILENCE_LIMIT_MS = 15_000

interface Told {
  readonly phase: string
  readonly outcome: string
  readonly version?: string
  readonly findings: readonly { readonly code: string; readonly severity: string }[]
  readonly steps: readonly string[]
  readonly next: readonly string[]
}

/** The tests build on one another: they are the scenes of one play. */
suite('from MetalLB to Invar on a cluster', { timeout: 240_000 }, () => {
  let cluster: Cluster
  let commands: Commands
  let stage: Stage
  let shared: string

  before(async () => {
    if (process.getuid?.() !== 0) return
    ;({ cluster, commands, stage } = await emptyStage(NODES))
    for (const node of cluster.nodes) {
      for (const name of STAND_IN_IMAGES)
        node.run('ctr', '--namespace', 'k8s.io', 'image', 'tag', imageReference(), name)
    }
  })
  after(() => cluster?.stop())

  /** Runs a command of the page, and reads what it says in JSON. */
  async function told(command: string): Promise<Told> {
    return JSON.parse(await commands.succeed(`${command} -o json`))
  }

  function pods(): string {
    return stage.kubectl(['get', 'pods', '-n', NAMESPACE, '--no-headers'])
  }

  /** Why Pods do not become ready. */
  function standing(): string {
    const speakers = ['-n', NAMESPACE, '-l', 'app.kubernetes.io/component=speaker']
    return [
      ['describe', 'pods', ...speakers],
      ['logs', '--tail=20', ...speakers],
    ]
      .map((args) => stage.kubectl(args))
      .join('\n')
  }

  test('MetalLB serves two Services', async (t) => {
    if (!requireRoot(t)) return
    const folder = join(cluster.plane.directory, 'stand-in')
    mkdirSync(folder)
    const set = "--set 'controller.extraArgs={--webhook-http2=true}'"
    const chart = writeStandInChart(folder)
    await commands.succeed(`helm install metallb ${chart} --namespace ${NAMESPACE} ${set} --wait --timeout=90s`)
    await eventually(() => configure(stage))
    await serve(stage)
    shared = await share(stage)
    await eventually(() => assert.ok(ownerOf(stage, 'shared-udp')))
  })

  test('a look changes nothing, and names what is different', async (t) => {
    if (!requireRoot(t)) return
    const before = stage.kubectl(['get', 'deployments,daemonsets', '-n', NAMESPACE, '-o', 'yaml'])
    const look = await told(LOOK)
    t.diagnostic(look.steps.join('\n'))
    assert.deepEqual([look.phase, look.outcome, look.version], ['metallb-works', 'looked', 'v0.15.2'])
    const codes = look.findings.map(({ code }) => code)
    for (const code of ['helm-uninstall', 'flag-without-effect', 'flag-carried']) assert.ok(codes.includes(code), code)
    assert.equal(stage.kubectl(['get', 'deployments,daemonsets', '-n', NAMESPACE, '-o', 'yaml']), before)
  })

  test('the chart refuses to go in while MetalLB’s controller runs', async (t) => {
    if (!requireRoot(t)) return
    const { err } = await commands.run(`helm upgrade metallb charts/invar --namespace ${NAMESPACE}`)
    assert.match(err, /MetalLB's controller runs in namespace metallb-system .*invarctl migrate/)
  })

  test('handed over: no address moves', async (t) => {
    if (!requireRoot(t)) return
    const before = shownAddresses(stage)
    const requests = await Requests.begin(cluster.client, shared)
    const first = await told(FIRST_HALF)
    assert.equal(first.outcome, 'done')
    // Its speakers announce on, without a controller and without a DaemonSet.
    assert.equal(pods().match(/metallb-speaker\S+ +1\/1 +Running/g)?.length, NODES)
    await commands.succeed(INSTALL)
    assert.doesNotMatch(pods(), /metallb-invar-speaker\S+ +1\/1 +Running/)
    const startedAt = performance.now()
    const second = await told(SECOND_HALF).catch((error: Error) => {
      throw new Error(standing(), { cause: error })
    })
    t.diagnostic(`second half: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`)
    assert.deepEqual([second.phase, second.outcome], ['hand-over', 'done'])
    const sums = await requests.end()
    tell(t, sums)
    for (const { longestSilenceMs } of Object.values(sums)) assert.ok(longestSilenceMs < SILENCE_LIMIT_MS)
    assert.equal(shownAddresses(stage), before)
    assert.deepEqual((await told(LOOK_AGAIN)).phase, 'nothing-to-do')
    await eventually(() => assert.ok(ownerOf(stage, 'shared-udp')))
  })

  test('what the user has is all there, and is Invar’s to upgrade and to keep', (t) => {
    if (!requireRoot(t)) return
    assert.match(stage.kubectl(['get', 'ipaddresspools,l2advertisements', '-n', NAMESPACE, '-o', 'name']), /first-pool/)
    const definition = JSON.parse(stage.kubectl(['get', 'crd', 'bgppeers.metallb.io', '-o', 'json']))
    assert.equal(definition.metadata.annotations['helm.sh/resource-policy'], 'keep')
    assert.equal(definition.spec.conversion.strategy, 'None')
    assert.doesNotMatch(pods(), /metallb-speaker|metallb-controller/)
  })

  test('rolled back: MetalLB serves the same addresses', async (t) => {
    if (!requireRoot(t)) return
    const before = shownAddresses(stage)
    await commands.succeed(BACK)
    await eventually(() => assert.doesNotMatch(pods(), /metallb-invar/), 30_000)
    await eventually(() => assert.equal(pods().match(/metallb-speaker\S+ +1\/1 +Running/g)?.length, NODES), 30_000)
    await eventually(() => cluster.client.run('curl', '-sS', '-m1', `http://${shared}/`))
    assert.equal(shownAddresses(stage), before)
  })
})
