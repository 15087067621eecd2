/** Where credentials come from and when they are read anew, with files as a pod and a person have them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { KubeConfig } from '@kubernetes/client-node'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { Credentials, currentNamespace, type KubeConfigSource, loadKubeConfig } from './credentials.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'invar-credentials-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function kubeconfig(folder: string, users: readonly { readonly name: string; readonly token: string }[]): string {
  const path = join(folder, 'config')
  const config = {
    clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1:6443/prefix' } }],
    users: users.map(({ name, token }) => ({ name, user: { token } })),
    contexts: users.map(({ name }) => ({ name, context: { cluster: 'c', user: name, namespace: `ns-${name}` } })),
    'current-context': users[0]?.name,
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}

/** As `loadFromCluster` makes it, with the files elsewhere. */
function inPod(folder: string): KubeConfigSource {
  const load = (): KubeConfig => {
    const config = new KubeConfig()
    const cluster = {
      name: 'inCluster',
      server: 'https://192.0.2.1',
      skipTLSVerify: false,
      caFile: join(folder, 'ca.crt'),
    }
    const authProvider = { name: 'tokenFile', config: { tokenFile: join(folder, 'token') } }
    config.loadFromClusterAndUser(cluster, { name: 'inClusterUser', authProvider })
    return config
  }
  return { kind: 'custom', load }
}

test('a context is chosen by name; one that is not there is named, with those that are', (t) => {
  const path = kubeconfig(folderOf(t), [
    { name: 'one', token: 'a' },
    { name: 'two', token: 'b' },
  ])
  assert.equal(currentNamespace(loadKubeConfig({ kind: 'file', path })), 'ns-one')
  assert.equal(currentNamespace(loadKubeConfig({ kind: 'file', path, context: 'two' })), 'ns-two')
  assert.throws(() => loadKubeConfig({ kind: 'file', path, context: 'three' }), /no context "three".*one, two/)
})

test('a token file is read again after a minute, and at once when asked to', async (t) => {
  const [folder, clock] = [folderOf(t), new VirtualClock()]
  writeFileSync(join(folder, 'ca.crt'), 'first authority')
  writeFileSync(join(folder, 'token'), 'first\n')
  const credentials = new Credentials({ source: inPod(folder), clock, maxConnections: 2 })
  const token = async (): Promise<string | undefined> => (await credentials.access()).headers.Authorization
  assert.equal(await token(), 'Bearer first')
  writeFileSync(join(folder, 'token'), 'second')
  assert.equal(await token(), 'Bearer first')
  clock.advance(60_000)
  assert.equal(await token(), 'Bearer second')
  writeFileSync(join(folder, 'token'), 'third')
  assert.equal((await credentials.reread()).headers.Authorization, 'Bearer third')
})

test('a client certificate that is none is named', async (t) => {
  const path = kubeconfig(folderOf(t), [{ name: 'one', token: 'a' }])
  const load = () => {
    const config = loadKubeConfig({ kind: 'file', path })
    const data = Buffer.from('no certificate').toString('base64')
    Object.assign(config.getCurrentUser()!, { certData: data, keyData: data })
    return config
  }
  const credentials = new Credentials({
    source: { kind: 'custom', load },
    clock: new VirtualClock(),
    maxConnections: 2,
  })
  await assert.rejects(credentials.access(), /^Error: client certificate and key are not usable \(.*no start line\)$/)
})

test('connections are kept when only the token changes, and made anew when certificates do', async (t) => {
  const [folder, clock] = [folderOf(t), new VirtualClock()]
  writeFileSync(join(folder, 'ca.crt'), 'first authority')
  writeFileSync(join(folder, 'token'), 'first')
  const credentials = new Credentials({ source: inPod(folder), clock, maxConnections: 2 })
  const { agent } = await credentials.access()
  writeFileSync(join(folder, 'token'), 'second')
  assert.equal((await credentials.reread()).agent, agent)
  writeFileSync(join(folder, 'ca.crt'), 'second authority')
  const renewed = await credentials.reread()
  assert.notEqual(renewed.agent, agent)
  assert.equal(Reflect.get(agent, 'keepAlive'), false, 'connections of the old kind close when they are free')
})

test('several that find the credentials stale share one reading', async (t) => {
  const folder = folderOf(t)
  const path = kubeconfig(folder, [{ name: 'one', token: 'a' }])
  let readings = 0
  const load = (): KubeConfig => {
    readings++
    return loadKubeConfig({ kind: 'file', path })
  }
  const credentials = new Credentials({
    source: { kind: 'custom', load },
    clock: new VirtualClock(),
    maxConnections: 2,
  })
  const all = await Promise.all([credentials.access(), credentials.access(), credentials.reread()])
  assert.equal(readings, 1)
  assert.equal(all[0]?.server.pathname, '/prefix')
})
