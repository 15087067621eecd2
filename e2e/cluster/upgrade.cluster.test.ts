/**
 * From the last release, or else the commit before, to this one, and in full size back again, while a client counts what
 * gets no answer:
 *
 *   npm run upgrade                          three nodes, and the way back
 *   INVAR_UPGRADE_FROM=v0.1.0 npm run upgrade
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, type TestContext, test } from 'node:test'
import { buildImage, imageReference } from '../../build/image.ts'
import { configure, NAMESPACE, ownerOf, type Stage, serve, share } from '../../demo/kubernetes.ts'
import { type Cluster, startCluster } from '../../testkit/cluster/index.ts'
import { eventually } from '../../testkit/eventually.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { buildPrevious, type Previous, previousRevision } from './previous.ts'
import { assertOnlyCut, Requests, tell } from './requests.ts'
import { shownAddresses, silentStage } from './stage.ts'

const IS_FULL = process.env.INVAR_UPGRADE === 'full'
const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy')
const NODES = IS_FULL ? 3 : 2
/** Both may have the same version: this is the earlier one's name here. */
const PREVIOUS = 'invar.dev/invar:previous'
const PROGRAMS = ['deployment/controller', 'daemonset/speaker']

suite('upgrade on a cluster', { timeout: 280_000 }, () => {
  let cluster: Cluster
  let stage: Stage
  let previous: Previous
  let shared: string

  before(async () => {
    if (process.getuid?.() !== 0) return
    previous = await buildPrevious(process.env.INVAR_UPGRADE_FROM ?? previousRevision())
    const image = await buildImage()
    cluster = await startCluster({ images: [previous.image], nodes: NODES })
    await cluster.ready()
    stage = silentStage(cluster)
    for (const node of cluster.nodes) {
      node.run('ctr', '--namespace', 'k8s.io', 'image', 'tag', previous.reference, PREVIOUS)
      node.importImage(image)
    }
    await apply(previousManifests())
    configure(stage)
    await serve(stage)
    shared = await share(stage)
    await eventually(() => assert.ok(ownerOf(stage, 'shared-udp')))
  })
  after(() => cluster?.stop())

  function previousManifests(): string {
    return stage
      .kubectl(['kustomize', previous.manifests])
      .replaceAll(`image: ${previous.reference}`, `image: ${PREVIOUS}`)
  }

  /** Resolves when all programs of these manifests run. */
  async function apply(manifests: string): Promise<void> {
    stage.kubectl(['apply', '-f', '-'], manifests)
    for (const program of PROGRAMS) {
      await stage.waitKubectl(['rollout', 'status', program, `--namespace=${NAMESPACE}`, '--timeout=120s'])
    }
  }

  /** By the Pods' specification: where both commits make the same bytes, the status names either. */
  function imagesInUse(): string[] {
    const path = 'jsonpath={range .items[*]}{.spec.containers[*].image}{"\\n"}{end}'
    return [
      ...new Set(
        stage
          .kubectl(['get', 'pods', `--namespace=${NAMESPACE}`, '-o', path])
          .trim()
          .split('\n'),
      ),
    ]
  }

  async function nothingIsLost(t: TestContext, to: string, manifests: string): Promise<void> {
    const addressesBefore = shownAddresses(stage)
    const requests = await Requests.begin(cluster.client, shared)
    const ownerBefore = ownerOf(stage, 'shared-udp')
    await apply(manifests)
    await eventually(() => assert.deepEqual(imagesInUse(), [to]))
    const sums = await requests.end()
    t.diagnostic(`owner ${ownerBefore} → ${ownerOf(stage, 'shared-udp')}`)
    tell(t, sums)
    assert.equal(shownAddresses(stage), addressesBefore)
    assert.deepEqual([sums.datagrams.lost, sums.flow.lost], [[], []])
    assertOnlyCut(sums, NODES)
    const restarts = 'jsonpath={.items[*].status.containerStatuses[*].restartCount}'
    assert.match(stage.kubectl(['get', 'pods', `--namespace=${NAMESPACE}`, '-o', restarts]), /^0( 0)*$/)
  }

  test('to this commit: no address moves, nothing by UDP is lost, of TCP only what is under way at a move', async (t) => {
    if (!requireRoot(t)) return
    t.diagnostic(`from ${previous.title}`)
    await nothingIsLost(t, imageReference(), stage.kubectl(['kustomize', DEPLOY]))
  })

  if (IS_FULL) {
    test('and back', async (t) => {
      if (!requireRoot(t)) return
      await nothingIsLost(t, PREVIOUS, previousManifests())
    })
  }
})
