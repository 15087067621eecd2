import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { type ControlPlane, startControlPlane } from './controlplane.ts'

suite('a control plane', () => {
  let plane: ControlPlane

  before(async () => {
    plane = await startControlPlane({ auditLog: true })
  })
  after(() => plane.stop())

  test('says its version and takes objects', () => {
    assert.match(plane.kubectl(['version']), /Server Version: v1\.36\./)
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' }, data: { word: 'invar' } }
    plane.kubectl(['apply', '-f', '-'], JSON.stringify(configMap))
    assert.equal(plane.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.word}']), 'invar')
  })

  test('tells why a command failed', () => {
    assert.throws(() => plane.kubectl(['get', 'configmap', 'absent']), /configmaps "absent" not found/)
  })

  test('keeps its objects and its port over kill -9 and restart of kube-apiserver', async () => {
    const url = plane.url
    await plane.kill('kube-apiserver', 'SIGKILL')
    assert.throws(() => plane.kubectl(['get', 'configmap', 'kept']), /refused/)
    await plane.restart('kube-apiserver')
    assert.equal(plane.url, url)
    assert.equal(plane.kubectl(['get', 'configmap', 'kept', '-o', 'name']).trim(), 'configmap/kept')
  })

  test('keeps its objects over kill -9 and restart of etcd', async () => {
    await plane.kill('etcd', 'SIGKILL')
    await plane.restart('etcd')
    assert.equal(plane.kubectl(['get', 'configmap', 'kept', '-o', 'name']).trim(), 'configmap/kept')
  })

  test('lets a user do only what the user may', () => {
    const kubeconfig = plane.kubeconfigFor('nobody', { commonName: 'nobody' })
    assert.throws(() => plane.kubectl(['get', 'services', '--kubeconfig', kubeconfig]), /Forbidden/)
  })

  test('gives Services addresses of both families', () => {
    plane.kubectl(['create', 'service', 'clusterip', 'web', '--tcp=80:8080'])
    plane.kubectl(['patch', 'service', 'web', '-p', '{"spec":{"ipFamilyPolicy":"RequireDualStack"}}'])
    assert.match(
      plane.kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIPs}']),
      /10\.96\..*fd00:10:96::/,
    )
  })

  test('writes an audit log', () => {
    assert.ok(existsSync(plane.auditLogPath))
  })
})

test('nothing is left behind, also where the test is killed', { timeout: 60_000 }, async () => {
  const script = `
    const { startControlPlane } = await import(${JSON.stringify(import.meta.resolve('./controlplane.ts'))})
    const plane = await startControlPlane()
    console.log(JSON.stringify({ directory: plane.directory, kubeconfig: plane.kubeconfig }))
    setTimeout(() => {}, 60_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  const { directory } = JSON.parse(String(line)) as { directory: string }
  assert.ok(existsSync(directory))
  child.kill('SIGKILL')
  await once(child, 'exit')
  // The next start clears what the dead process left, its etcd and API server included.
  await using next = await startControlPlane()
  assert.ok(!existsSync(directory))
  await next.stop()
  assert.ok(!existsSync(next.directory))
})
