/**
 * Whole speakers on hosts of one LAN, with a real API server and a machine that asks the network: who keeps an address,
 * when it moves, and what happens while the API server is away.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { buildAddon } from '../native/build.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { eventually } from '../testkit/eventually.ts'
import { openWorkplace, type Workplace } from '../testkit/leftovers.ts'
import { createLan, type Host, type Lan } from '../testkit/netns.ts'
import { requireRoot } from '../testkit/privilege.ts'
import { type Program, startProgram } from '../testkit/program.ts'
import { l2, pool } from '../testkit/resources.ts'

const NAMESPACE = 'metallb-system'
const NODES = ['s1', 's2']
const PLANE_ADDRESS = '192.0.2.250'
const [WEB, GONE] = ['192.0.2.100', '192.0.2.101']
/** A start and a takeover on a busy machine. */
const PATIENCE_MS = 30_000

let lan: Lan
let plane: ControlPlane
let workplace: Workplace
let client: Host
const speakers = new Map<string, Program>()

function start(node: string): void {
  const flags = {
    'node-name': node,
    namespace: NAMESPACE,
    'ml-secret-name': 'memberlist',
    port: 0,
    kubeconfig: plane.kubeconfig,
    'exclude-interfaces-file': join(workplace.directory, 'none.yaml'),
    'state-file': join(workplace.directory, node, 'state'),
    'local-socket': join(workplace.directory, node, 'speaker.sock'),
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const program = startProgram(workplace, {
    name: `speaker-${node}-${speakers.size}`,
    command: process.execPath,
    args: [join(import.meta.dirname, 'main.ts'), ...args],
    environment: { ...process.env, INVAR_NATIVE: buildAddon(), METALLB_POD_NAME: '' },
    namespace: lan.host(node).path,
  })
  speakers.set(node, program)
}

async function kill(node: string): Promise<void> {
  const speaker = speakers.get(node)!
  speaker.signal('SIGKILL')
  await speaker.exited
}

/** Node whose MAC address the kernel of another machine learns for the address; undefined = nobody answers. */
function whoAnswers(address: string): string | undefined {
  client.run('ip', 'neigh', 'flush', 'dev', 'eth0')
  // The datagram waits for the answer to the kernel's question; nobody reads it.
  client.run('bash', '-c', `echo > /dev/udp/${address}/9; read -t 0.3 <> <(:) || true`)
  const shown = client.run('ip', 'neigh', 'show', address)
  return NODES.find((node) => shown.includes(` lladdr ${lan.host(node).mac} `))
}

function answersAt(address: string, node: string | undefined): Promise<void> {
  return eventually(() => assert.equal(whoAnswers(address), node), PATIENCE_MS)
}

function somebodyAnswers(address: string): Promise<string> {
  return eventually(() => {
    const node = whoAnswers(address)
    assert.ok(node !== undefined, [...speakers.values()].map((one) => one.lastLines()).join('\n'))
    return node
  }, PATIENCE_MS)
}

/** Resolves when the report on the Service names this node alone. */
function reportNames(service: string, node: string): Promise<void> {
  return eventually(() => {
    const selector = `metallb.io/service-name=${service}`
    const path = ['-o', 'jsonpath={.items[*].status.node}']
    assert.equal(plane.kubectl(['-n', NAMESPACE, 'get', 'servicel2statuses', '-l', selector, ...path]), node)
  }, PATIENCE_MS)
}

/** Its speaker hears the other one. */
function hears(node: string, other: string): Promise<void> {
  return eventually(() => {
    const lines = speakers.get(node)!.lastLines(1_000).split('\n')
    const last = lines.filter((line) => line.includes('"event":"members"')).at(-1) ?? ''
    assert.match(last, new RegExp(`alive: .*${other}`))
  }, PATIENCE_MS)
}

function otherThan(node: string): string {
  return NODES.find((other) => other !== node)!
}

function apply(...items: readonly object[]): void {
  plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

function serve(name: string, ip: string): void {
  apply(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], nodeName: 's1', conditions: { ready: true } }],
      ports: [{ port: 80 }],
    },
  )
  const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip }] } } })
  plane.kubectl(['patch', 'service', name, '--subresource=status', '--type=merge', '-p', status])
}

suite('speakers on a LAN', { timeout: 300_000 }, () => {
  before(async () => {
    if (process.getuid?.() !== 0) return
    const hosts = NODES.map((name, index) => ({ name, addresses: [`192.0.2.${index + 1}/24`] }))
    const others = [
      { name: 'cp', addresses: [`${PLANE_ADDRESS}/24`] },
      { name: 'client', addresses: ['192.0.2.50/24'] },
    ]
    lan = createLan([...hosts, ...others])
    client = lan.host('client')
    workplace = openWorkplace('speaker')
    const network = { namespace: lan.host('cp').path, address: PLANE_ADDRESS, port: 6443 }
    plane = await startControlPlane({ network })
    plane.kubectl(['create', 'namespace', NAMESPACE])
    plane.kubectl(['apply', '--server-side', '-k', join(import.meta.dirname, '..', 'crds')])
    plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
    const secretkey = Buffer.from(randomBytes(16).toString('base64')).toString('base64')
    apply(
      pool('web', { addresses: ['192.0.2.100/31'] }),
      l2('all'),
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'memberlist', namespace: NAMESPACE }, data: { secretkey } },
      ...NODES.map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })),
    )
    for (const [index, name] of NODES.entries()) {
      const status = { addresses: [{ type: 'InternalIP', address: `192.0.2.${index + 1}` }] }
      plane.kubectl(['patch', 'node', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])
    }
    serve('web', WEB)
    serve('gone', GONE)
    for (const node of NODES) start(node)
    for (const node of NODES) await hears(node, otherThan(node))
  })
  after(async () => {
    await Promise.all([...speakers.values()].map((speaker) => speaker.stop()))
    await plane?.stop()
    workplace?.clear()
    lan?.close()
  })

  test('a node that returns does not take back what another one answers for', async (t) => {
    if (!requireRoot(t)) return
    const first = await somebodyAnswers(WEB)
    await reportNames('web', first)
    await kill(first)
    await answersAt(WEB, otherThan(first))
    await reportNames('web', otherThan(first))
    start(first)
    await hears(otherThan(first), first)
    await hears(first, otherThan(first))
    assert.equal(whoAnswers(WEB), otherThan(first))
    await reportNames('web', otherThan(first))
  })

  test('the addresses of a cordoned node move, and do not come back by themselves', async (t) => {
    if (!requireRoot(t)) return
    const first = await somebodyAnswers(WEB)
    plane.kubectl(['cordon', first])
    await answersAt(WEB, otherThan(first))
    await reportNames('web', otherThan(first))
    plane.kubectl(['uncordon', first])
    await reportNames('gone', await somebodyAnswers(GONE))
    assert.equal(whoAnswers(WEB), otherThan(first))
  })

  test('without an API server speakers start from what they knew, and give up what was deleted once it is back', async (t) => {
    if (!requireRoot(t)) return
    for (const node of NODES) await kill(node)
    plane.kubectl(['delete', 'service', 'gone'])
    await plane.kill('kube-apiserver', 'SIGKILL')
    assert.equal(whoAnswers(WEB), undefined)
    for (const node of NODES) start(node)
    const owner = await somebodyAnswers(WEB)
    await somebodyAnswers(GONE)
    await kill(owner)
    await answersAt(WEB, otherThan(owner))
    await plane.restart('kube-apiserver')
    await answersAt(GONE, undefined)
    assert.equal(await somebodyAnswers(WEB), otherThan(owner))
  })
})
