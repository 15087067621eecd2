/**
 * The order of installation does not matter: controller and speaker, as processes, start on an API server that has nothing
 * for them yet and is slow, and each says what it waits for. Neither is restarted.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { ConfigResource } from '../core/config/index.ts'
import { TestRouter } from '../testkit/bgp-router.ts'
import { type ControlPlane, freePort, startControlPlane } from '../testkit/controlplane.ts'
import { eventually } from '../testkit/eventually.ts'
import { openWorkplace } from '../testkit/leftovers.ts'
import { type Program, startProgram } from '../testkit/program.ts'
import { bgp, NAMESPACE, peer, pool } from '../testkit/resources.ts'
import { TcpProxy } from '../testkit/tcp-proxy.ts'

const ROOT = join(import.meta.dirname, '..')
const ROUTER_ASN = 64_513
/** Each way, for every byte: an API server at the other end of the world. */
const DELAY_MS = 150
/** After failures in a row a list is tried again half a minute later at most. */
const LIMIT_MS = 60_000

interface Daemon {
  readonly program: Program
  readonly healthPort: number
}

suite('whatever comes late', { timeout: 240_000 }, () => {
  const workplace = openWorkplace('install-order')
  let plane: ControlPlane
  let proxy: TcpProxy
  let router: TestRouter
  let controller: Daemon
  let speaker: Daemon

  before(async () => {
    plane = await startControlPlane()
    proxy = await TcpProxy.start(plane.url)
    proxy.delay(DELAY_MS)
    router = await new TestRouter({ asn: ROUTER_ASN }).listen()
    plane.kubectl(['create', 'namespace', NAMESPACE])
    forbidSecrets()
    controller = await start('controller', { 'webhook-mode': 'disabled' })
    // Nothing is announced on the machine's own links.
    const exclude = join(workplace.directory, 'exclude.yaml')
    writeFileSync(exclude, 'announcedInterfacesToExclude: [".*"]\n')
    speaker = await start('speaker', { 'node-name': 'late', 'exclude-interfaces-file': exclude })
  })

  after(async () => {
    await speaker?.program.stop(10_000)
    await controller?.program.stop(10_000)
    await router?.close()
    await proxy?.stop()
    await plane?.stop()
    workplace.clear()
  })

  async function start(name: string, more: Readonly<Record<string, string>>): Promise<Daemon> {
    const healthPort = await freePort()
    const kubeconfig = join(workplace.directory, `${name}.kubeconfig`)
    writeFileSync(kubeconfig, plane.kubectl(['config', 'view', '--raw', '-o', 'json']).replaceAll(plane.url, proxy.url))
    const flags = { kubeconfig, namespace: NAMESPACE, 'ml-secret-name': 'memberlist', port: '0', ...more }
    const args = Object.entries({ ...flags, 'health-probe-port': healthPort }).map(
      ([key, value]) => `--${key}=${value}`,
    )
    const program = startProgram(workplace, {
      ...{ name, command: process.execPath, args: [join(ROOT, name, 'main.ts'), ...args] },
      environment: { ...process.env, METALLB_POD_NAME: '' },
    })
    return { program, healthPort }
  }

  /** In an API server's words; the quota controller, which would fill in the status, does not run here. */
  function forbidSecrets(): void {
    const hard = { 'count/secrets': '0' }
    const metadata = { name: 'no-secrets', namespace: NAMESPACE }
    plane.kubectl(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard } }),
    )
    const patch = JSON.stringify({ status: { hard, used: { 'count/secrets': '0' } } })
    const target = ['patch', 'resourcequota', 'no-secrets', '-n', NAMESPACE, '--subresource=status', '--type=merge']
    plane.kubectl([...target, '-p', patch])
  }

  /** What `/readyz` says. */
  function readiness({ healthPort, program }: Daemon): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const call = get({ host: '127.0.0.1', port: healthPort, path: '/readyz', agent: false }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      })
      call.on('error', (error) => reject(new Error(program.lastLines(), { cause: error })))
    })
  }

  async function waitsFor(daemon: Daemon, what: RegExp): Promise<void> {
    await eventually(async () => {
      const { status, text } = await readiness(daemon)
      assert.match(text, what)
      assert.equal(status, 503)
    }, LIMIT_MS)
  }

  async function becomesReady(daemon: Daemon): Promise<void> {
    await eventually(async () => {
      const { status, text } = await readiness(daemon)
      assert.equal(status, 200, text)
    }, LIMIT_MS)
  }

  function apply(...objects: readonly object[]): Promise<string> {
    const file = join(workplace.directory, 'objects.json')
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
    return plane.startKubectl(['apply', '-f', file])
  }

  test('without the custom resources both wait, and name each', async () => {
    await waitsFor(controller, /waiting for .*ipaddresspools: .*not.found/i)
    await waitsFor(speaker, /waiting for .*bgppeers: .*not.found/i)
  })

  test('the resources come: the controller is ready, the speaker waits for the key', async (t) => {
    const startedAt = performance.now()
    await plane.startKubectl(['apply', '--server-side', '-k', join(ROOT, 'crds')])
    await becomesReady(controller)
    t.diagnostic(`controller ready ${((performance.now() - startedAt) / 1_000).toFixed(1)} s after kubectl apply`)
    await waitsFor(speaker, /waiting for the key in Secret metallb-system\/memberlist/)
  })

  test('the quota forbids the key: the log says so, and it is there when the quota is gone', async () => {
    await eventually(
      () => assert.match(controller.program.lastLines(200), /cannot create Secret .*exceeded quota/),
      LIMIT_MS,
    )
    await plane.startKubectl(['delete', 'resourcequota', 'no-secrets', '-n', NAMESPACE])
    await becomesReady(speaker)
  })

  test('a Service before its pool: an event says what is missing; then it has an address', async () => {
    const metadata = { name: 'web', namespace: 'default' }
    const ports = [{ port: 80 }]
    await apply({ apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'LoadBalancer', ports } })
    const events = ['get', 'events', '--field-selector=involvedObject.name=web', '-o', 'jsonpath={.items[*].message}']
    await eventually(async () => assert.match(await plane.startKubectl(events), /there is no IPAddressPool/), LIMIT_MS)
    await apply(unborn(pool('web', { addresses: ['192.0.2.9/32'] })))
    const wait = ['wait', 'service/web', '--for=jsonpath={.status.loadBalancer.ingress[0].ip}=192.0.2.9']
    await plane.startKubectl([...wait, '--timeout=30s'])
  })

  test('the node after its speaker: the speaker announces from it', async () => {
    const target = { peerASN: ROUTER_ASN, peerAddress: '127.0.0.1', peerPort: router.port }
    await apply(unborn(bgp('all')), unborn(peer('router', target)))
    const labels = { 'kubernetes.io/service-name': 'web' }
    await apply(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'late' } },
      {
        ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
        metadata: { name: 'web-1', namespace: 'default', labels },
        endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'late', conditions: { ready: true } }],
        ports: [{ port: 80 }],
      },
    )
    await eventually(() => assert.deepEqual([...router.routes.keys()], ['192.0.2.9/32']), LIMIT_MS)
  })

  test('neither was restarted', () => {
    assert.deepEqual([controller.program.isRunning(), speaker.program.isRunning()], [true, true])
  })
})

/** An object of the testkit without the time at which it was made: that is for the API server to say. */
function unborn({ metadata: { creationTimestamp: _, ...metadata }, ...rest }: ConfigResource): object {
  return { ...rest, metadata }
}
