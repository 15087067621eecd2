/** The commands that need speakers, on a whole cluster: what they say of it when it is well, and when it is not. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { buildImage } from '../build/image.ts'
import { configure, install, NAMESPACE, type Stage, serve } from '../demo/kubernetes.ts'
import { invarctl } from '../e2e/cluster/invarctl-in-cluster.ts'
import { silentStage } from '../e2e/cluster/stage.ts'
import { type Cluster, startCluster } from '../testkit/cluster/index.ts'
import { eventually } from '../testkit/eventually.ts'
import { requireRoot } from '../testkit/privilege.ts'
import type { Diagnosis } from './doctor/examine.ts'
import type { CheckId, Finding } from './doctor/finding.ts'
import { judgedAnswer } from './judged-answer.ts'

suite('the command line on a cluster', { timeout: 400_000 }, () => {
  let cluster: Cluster
  let stage: Stage
  let folder: string

  /** What a command printed, judged by its schema. */
  async function answer(args: readonly string[], code = 0) {
    const ended = await invarctl(cluster, ...args, '-o', 'json')
    assert.equal(ended.code, code, `${args.join(' ')}: ${ended.err}${ended.out}`)
    return judgedAnswer(args[0]!, ended.out)
  }

  /** What doctor finds, by the id of the check. */
  async function found(): Promise<(id: CheckId) => readonly Finding[]> {
    const { findings }: Diagnosis = judgedAnswer('doctor', (await invarctl(cluster, 'doctor', '-o', 'json')).out)
    return (id) => findings.filter((finding) => finding.id === id)
  }

  before(async () => {
    if (process.getuid?.() !== 0) return
    folder = mkdtempSync(join(tmpdir(), 'invar-cli-'))
    const image = await buildImage()
    cluster = await startCluster({ images: [image], nodes: 2 })
    await cluster.ready()
    stage = silentStage(cluster)
    await install(stage)
    configure(stage)
    await serve(stage)
  })
  after(async () => {
    await cluster?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })

  test('status: all is well, and says so by its exit code', async (t) => {
    if (!requireRoot(t)) return
    const overview = await eventually(() => answer(['status']), 30_000)
    assert.equal(overview.healthy, true)
    assert.equal(overview.controllers.length, 1)
    assert.equal(overview.leader, overview.controllers[0].pod)
    for (const { links, hears, ready } of overview.speakers) {
      assert.deepEqual([ready, links.length, hears.length], [true, 1, 1])
    }
    assert.match(
      (await invarctl(cluster, 'status')).out,
      /^All is well: 1 Service has an address; 2 of 2 speakers well/,
    )
  })

  test('nodes: links, each other, ports', async (t) => {
    if (!requireRoot(t)) return
    const { nodes } = await answer(['nodes'])
    const names = cluster.nodes.map(({ name }) => name)
    for (const { node, alive, kernel, version } of nodes) {
      assert.deepEqual([node, ...alive].toSorted(), names)
      assert.match(version, /^\d+\.\d+\.\d+/)
      const held = kernel.ports.filter(({ heldBy }: { heldBy: string }) => heldBy === 'us')
      assert.deepEqual(
        held.map(({ purpose }: { purpose: string }) => purpose),
        ['metrics', 'health', 'heartbeats'],
      )
    }
    assert.equal(nodes.length, 2)
  })

  test('doctor: nothing to say of a cluster that is well', async (t) => {
    if (!requireRoot(t)) return
    const { findings, checks } = await answer(['doctor'])
    assert.deepEqual(findings, [])
    assert.ok(checks.every(({ outcome }: { outcome: string }) => outcome === 'well'))
  })

  test('doctor finds what was planted on a node: IPVS, a port of MetalLB, a link without carrier', async (t) => {
    if (!requireRoot(t)) return
    const [node] = cluster.nodes
    node!.run('ip', 'link', 'add', 'kube-ipvs0', 'type', 'bridge')
    node!.run('ip', 'link', 'add', 'spare0', 'type', 'veth', 'peer', 'name', 'spare1')
    node!.run('ip', 'link', 'set', 'spare0', 'up')
    const listener = `require('node:net').createServer().listen(7472)`
    node!.run('sh', '-c', `${process.execPath} -e "${listener}" >/dev/null 2>&1 & echo $! > /tmp/invar-listener`)
    try {
      await eventually(async () => {
        const of = await found()
        assert.match(of('strict-arp')[0]?.what ?? '', /works with IPVS and arp_ignore is 0/)
        assert.match(of('port-taken')[0]?.what ?? '', /tcp port 7472 \(MetalLB's metrics\)/)
        assert.match(of('link-down')[0]?.what ?? '', /link spare0 has no carrier/)
      }, 30_000)
    } finally {
      node!.run('sh', '-c', 'kill $(cat /tmp/invar-listener)')
      for (const link of ['kube-ipvs0', 'spare0']) node!.run('ip', 'link', 'delete', link)
    }
  })

  test('owners, explain, drain, probe, peers, routes: JSON as their schemas say', async (t) => {
    if (!requireRoot(t)) return
    const { owners } = await answer(['owners'])
    const [address] = owners[0].addresses
    await answer(['explain', 'svc/web'])
    await answer(['drain', cluster.nodes[0]!.name, '--simulate'])
    const { answers, reportedBy } = await answer(['probe', address, '--wait', '300'])
    assert.deepEqual([answers.length, reportedBy], [1, [owners[0].answeredBy[0].node]])
    assert.deepEqual(await answer(['peers']), { peers: [], unanswered: [] })
    assert.deepEqual(await answer(['routes']), { peers: [], unanswered: [] })
  })

  test('top: a line a refresh, in which both speakers speak, and what was asked is counted', async (t) => {
    if (!requireRoot(t)) return
    const address = cluster.kubectl(['get', 'service', 'web', '-o', 'jsonpath={.status.loadBalancer.ingress[0].ip}'])
    const asking = invarctl(cluster, 'top', '--interval', '0.5', '--count', '12', '-o', 'json')
    await eventually(async () => {
      cluster.client.run('ip', 'neigh', 'flush', 'dev', 'eth0')
      cluster.client.run('curl', '-sS', '-m1', `http://${address}/`)
    })
    const requests = Array.from({ length: 20 }, () => {
      return `ip neigh flush dev eth0; curl -sS -m1 -o /dev/null http://${address}/ || true; sleep 0.2`
    })
    cluster.client.run('sh', '-c', requests.join('; '))
    const { code, out, err } = await asking
    assert.equal(code, 0, err)
    const frames = out
      .trimEnd()
      .split('\n')
      .map((line) => judgedAnswer('top', line))
    assert.equal(frames.length, 12)
    const last = frames.at(-1)
    assert.deepEqual(
      last.speakers.map(({ node, because }: { node: string; because?: string }) => [node, because]),
      cluster.nodes.map(({ name }) => [name, undefined]),
    )
    assert.ok(
      frames.some(({ addresses }) =>
        addresses.some(
          (one: { services: string[]; answersPerSecond: number }) =>
            one.services[0] === 'default/web' && one.answersPerSecond > 0,
        ),
      ),
      out,
    )
    assert.ok(
      last.decisions.some(({ reason }: { reason: string }) => reason === 'IPAllocated'),
      out,
    )
  })

  test('bundle: logs and what the speakers know are in it; the membership key is not', async (t) => {
    if (!requireRoot(t)) return
    const file = join(folder, 'cluster.tar.gz')
    const { entries, missing } = await answer(['bundle', '--file', file])
    assert.deepEqual(missing, [])
    const paths: readonly string[] = entries.map(({ path }: { path: string }) => path)
    for (const { name } of cluster.nodes) {
      assert.ok(
        paths.includes(`speakers/${name}.json`) && paths.includes(`speakers/${name}.metrics.txt`),
        paths.join(' '),
      )
    }
    assert.ok(paths.filter((path) => /^logs\/.*\.log$/.test(path)).length >= 3)
    const text = gunzipSync(readFileSync(file)).toString()
    assert.match(text, /metallb_speaker_announced\{.*\} 1/)
    const path = 'jsonpath={.data.secretkey}'
    const key = cluster.kubectl(['-n', NAMESPACE, 'get', 'secret', 'memberlist', '-o', path])
    assert.ok(key.length > 20 && !text.includes(key) && !text.includes(Buffer.from(key, 'base64').toString()))
  })

  test('status and doctor tell of a speaker that was taken away', async (t) => {
    if (!requireRoot(t)) return
    const [node] = cluster.nodes
    cluster.kubectl(['cordon', node!.name])
    const patch = {
      spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': cluster.nodes[1]!.name } } } },
    }
    cluster.kubectl(['-n', NAMESPACE, 'patch', 'daemonset', 'speaker', '-p', JSON.stringify(patch)])
    await eventually(async () => {
      const missing = (await found())('speaker-missing')
      assert.deepEqual(
        missing.map(({ object }) => object.name),
        [node!.name],
      )
    }, 60_000)
    assert.match((await invarctl(cluster, 'status')).out, new RegExp(`no speaker runs on ${node!.name}`))
  })
})
