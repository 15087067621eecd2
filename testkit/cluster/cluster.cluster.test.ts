import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readdirSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { requireRoot } from '../privilege.ts'
import { type Cluster, IMAGES, startCluster } from './index.ts'

const WEB = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: web, image: "${IMAGES.web.reference}"}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
`

suite('a whole cluster', { timeout: 180_000 }, () => {
  let cluster: Cluster

  before(async (t) => {
    if (!requireRoot(t as never)) return
    cluster = await startCluster()
    await cluster.ready()
  })
  after(() => cluster?.stop())

  test('runs pods on every node, reachable from the client through each node and both families', async (t) => {
    if (!requireRoot(t)) return
    cluster.kubectl(['apply', '-f', '-'], WEB)
    await cluster.startKubectl(['rollout', 'status', 'daemonset/web', '--timeout=60s'])
    for (const node of cluster.nodes) {
      const { address4, address6 } = node.network
      for (const host of [address4, `[${address6}]`]) {
        const answer = await eventually(() => cluster.client.run('curl', '-gsS', '-m2', `http://${host}:30080/`))
        assert.match(answer, /^host=web-\w+ protocol=tcp remote=/)
      }
    }
  })

  test('a pulled cable leaves the processes running; plugged in, the node answers again', async (t) => {
    if (!requireRoot(t)) return
    const node = cluster.node('n1')
    node.pullCable()
    assert.throws(() => cluster.client.run('ping', '-c1', '-W1', node.network.address4))
    assert.ok(node.isRunning())
    node.plug()
    await eventually(() => cluster.client.run('ping', '-c1', '-W1', node.network.address4))
  })

  test('a frozen node answers pings, its pods do not answer requests', async (t) => {
    if (!requireRoot(t)) return
    const node = cluster.node('n2')
    const pod = cluster.kubectl(['get', 'pods', '--field-selector=spec.nodeName=n2', '-o', 'jsonpath={..podIP}'])
    node.freeze()
    cluster.client.run('ping', '-c1', '-W1', node.network.address4)
    assert.throws(() => cluster.client.run('curl', '-sS', '-m1', `http://${pod}:8080/`), /timed out/)
    node.thaw()
    assert.match(cluster.client.run('curl', '-sS', '-m2', `http://${pod}:8080/`), /host=web-/)
  })

  test('a node that lost its power is gone, boots again and runs its pods', async (t) => {
    if (!requireRoot(t)) return
    const node = cluster.node('n3')
    await node.powerOff()
    assert.equal(node.isRunning(), false)
    assert.throws(() => cluster.client.run('ping', '-c1', '-W1', node.network.address4))
    node.powerOn()
    await eventually(() => cluster.client.run('ping', '-c1', '-W1', node.network.address4))
    await eventually(() => cluster.client.run('curl', '-sS', '-m1', `http://${node.network.address4}:30080/`), 40_000)
  })
})

test('a killed test leaves no process, namespace or cgroup once the next has begun', { timeout: 90_000 }, async (t) => {
  if (!requireRoot(t)) return
  const script = `
    const { startCluster } = await import(${JSON.stringify(import.meta.resolve('./index.ts'))})
    const cluster = await startCluster({ nodes: 1 })
    await cluster.ready()
    console.log(JSON.stringify({ pid: process.pid, directory: cluster.plane.directory }))
    setTimeout(() => {}, 60_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  const { pid, directory } = JSON.parse(String(line)) as { pid: number; directory: string }
  child.kill('SIGKILL')
  await once(child, 'exit')
  const { sweepWorkplaces } = await import('../leftovers.ts')
  const { sweepNamespaces } = await import('../netns.ts')
  sweepWorkplaces()
  sweepNamespaces()
  assert.equal(existsSync(directory), false)
  assert.deepEqual(
    readdirSync('/run/netns').filter((name) => name.startsWith(`iv-${pid}-`)),
    [],
  )
  assert.deepEqual(globSync(`/sys/fs/cgroup/*/invar-${pid}-*`), [])
})

/** Asks until there is an answer; what takes time here is the cluster's own convergence, which sends no event. */
async function eventually<T>(ask: () => T, limitMs = 20_000): Promise<T> {
  const until = performance.now() + limitMs
  for (;;) {
    try {
      return ask()
    } catch (error) {
      if (performance.now() > until) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
