/** The speaker as a process on a real API server, and a router that listens to what it announces. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import type { PeerRow } from '../cli/peers.ts'
import type { RouteRow } from '../cli/routes.ts'
import { adaptTcp, type TcpPath } from '../native/index.ts'
import { formatCommunity } from '../net/bgp/index.ts'
import { TestRouter } from '../testkit/bgp-router.ts'
import { type ControlPlane, freePort, startControlPlane } from '../testkit/controlplane.ts'
import { eventually } from '../testkit/eventually.ts'
import { openWorkplace } from '../testkit/leftovers.ts'
import { type Program, startProgram } from '../testkit/program.ts'

const NAMESPACE = 'metallb-system'
const ROUTER_ASN = 64_513

let plane: ControlPlane
let router: TestRouter
let speaker: Program
let metricsPort: number
const workplace = openWorkplace('speaker')

before(async () => {
  plane = await startControlPlane()
  router = await new TestRouter({ asn: ROUTER_ASN, capabilities: [GRACEFUL] }).listen()
  plane.kubectl(['apply', '--server-side', '-k', 'crds'])
  plane.kubectl(['create', 'namespace', NAMESPACE])
  apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'alpha', labels: { rack: 'a' } } })
  metricsPort = await freePort()
  speaker = await startSpeaker()
})

after(async () => {
  await speaker.stop(10_000)
  await router.close()
  await plane.stop()
  workplace.clear()
})

const GRACEFUL = {
  kind: 'graceful-restart',
  isRestarting: false,
  hasNotificationSupport: false,
  restartTimeSeconds: 120,
  families: [],
} as const

async function startSpeaker(): Promise<Program> {
  const flags = {
    kubeconfig: plane.kubeconfig,
    'node-name': 'alpha',
    namespace: NAMESPACE,
    'exclude-interfaces-file': '/dev/null',
    'health-probe-port': await freePort(),
    port: metricsPort,
    'plain-metrics': true,
    'local-socket': join(workplace.directory, 'speaker.sock'),
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  return startProgram(workplace, {
    name: 'speaker',
    command: process.execPath,
    args: [join(import.meta.dirname, 'main.ts'), ...args],
    environment: { ...process.env, METALLB_POD_NAME: '', METALLB_ML_SECRET_NAME: '' },
  })
}

function apply(...objects: readonly object[]): void {
  plane.kubectl(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'))
}

function ours(kind: string, name: string, spec: object, version = 'v1beta1') {
  return { apiVersion: `metallb.io/${version}`, kind, metadata: { name, namespace: NAMESPACE }, spec }
}

function peer(spec: object = {}) {
  const target = { myASN: 64_512, peerASN: ROUTER_ASN, peerAddress: '127.0.0.1', peerPort: router.port }
  return ours('BGPPeer', 'tor', { ...target, enableGracefulRestart: true, ...spec }, 'v1beta2')
}

/** A Service with an address in its status and an endpoint that serves. */
function serve(name: string, ip: string): void {
  const metadata = { name, namespace: 'default' }
  const ports = [{ port: 80 }]
  apply({ apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'LoadBalancer', ports } })
  apply({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'alpha', conditions: { ready: true } }],
    ports,
  })
  const status = { loadBalancer: { ingress: [{ ip }] } }
  plane.kubectl(['patch', 'service', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])
}

function uidOf(kind: string, name: string): string {
  return plane.kubectl(['get', '-n', NAMESPACE, kind, name, '-o', 'jsonpath={.metadata.uid}'])
}

/** Becomes true in a while; with the end of the speaker's log where it does not. */
async function comesTrue(assertion: () => void | Promise<void>): Promise<void> {
  try {
    await eventually(assertion, 15_000)
  } catch (error) {
    throw new Error(speaker.lastLines(20), { cause: error })
  }
}

/** What it prints when it asks this speaker. */
async function invarctl(...words: readonly string[]) {
  const main = join(import.meta.dirname, '..', 'cli', 'main.ts')
  const where = ['--local', '--socket', join(workplace.directory, 'speaker.sock'), '-o', 'json']
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...words, ...where])
  return JSON.parse(stdout)
}

function loopbackPath(password: string): TcpPath {
  const key = new TextEncoder().encode(password)
  const remote = Uint8Array.of(127, 0, 0, 1)
  return { remote, key, scope: 0, local: undefined, device: undefined, hopLimit: 64, minimumHopLimit: 0 }
}

function reports(): { readonly status: { readonly node: string; readonly peers: string[] } }[] {
  return JSON.parse(plane.kubectl(['get', '-n', NAMESPACE, 'servicebgpstatuses', '-o', 'json'])).items
}

interface StoredEvent {
  readonly reason: string
  readonly message: string
  readonly involvedObject: { readonly uid?: string }
}

function eventsOn(kind: string): readonly StoredEvent[] {
  const found = plane.kubectl(['get', 'events', '-A', '-o', 'json', `--field-selector=involvedObject.kind=${kind}`])
  return JSON.parse(found).items
}

suite('BGP from the API server to a router', { timeout: 180_000 }, () => {
  test('a peer and an advertisement: the route is there, with its communities', async () => {
    apply(
      ours('IPAddressPool', 'web', { addresses: ['192.0.2.0/24'] }),
      ours('Community', 'names', { communities: [{ name: 'blue', value: '64512:7' }] }),
      ours('BGPAdvertisement', 'all', { communities: ['blue', '64512:100'] }),
      peer(),
    )
    serve('web', '192.0.2.10')
    await comesTrue(() => assert.deepEqual([...router.routes.keys()], ['192.0.2.10/32']))
    const route = router.routes.get('192.0.2.10/32')
    assert.deepEqual(route?.communities.map(formatCommunity), ['64512:7', '64512:100'])
    assert.deepEqual(route?.asPath, [{ kind: 'sequence', asns: [64_512] }])
    await comesTrue(() => assert.ok(router.caller?.rib.complete.has('ipv4-unicast')))
  })

  test('ServiceBGPStatus names the peers, events tell of the session and of the announcement', async () => {
    await comesTrue(() => {
      const said = reports().map(({ status }) => [status.node, status.peers])
      assert.deepEqual(said, [['alpha', ['tor']]])
    })
    await comesTrue(() => {
      assert.ok(
        eventsOn('Service').some(({ message }) => message === 'announcing from node "alpha" with protocol "bgp"'),
      )
      const up = eventsOn('BGPPeer').find(({ reason }) => reason === 'sessionUp')
      // With its uid, or kubectl describe would not show it.
      assert.equal(up?.involvedObject.uid, uidOf('bgppeer', 'tor'))
    })
  })

  test('metrics under MetalLB’s names', async () => {
    const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    const series = `{peer="127.0.0.1:${router.port}",vrf=""} 1`
    for (const name of ['session_up', 'announced_prefixes_total', 'pending_prefixes_total', 'opens_sent']) {
      assert.ok(
        page.includes(`metallb_bgp_${name}${series}`),
        `${name} in:\n${page.match(/^metallb_bgp.*/gm)?.join('\n')}`,
      )
    }
    assert.match(
      page,
      /^metallb_speaker_announced\{service="default\/web",protocol="bgp",node="alpha",ip="192.0.2.10"\} 1$/m,
    )
  })

  test('invarctl says how the session stands, and what the peer was told', async () => {
    const { peers } = await invarctl('peers')
    assert.deepEqual(
      peers.map(({ node, peer: name, state, routes }: PeerRow) => [node, name, state, routes]),
      [['alpha', 'tor', 'Established', { announced: 1, wanted: 1 }]],
    )
    const told = await invarctl('routes', 'tor')
    assert.deepEqual(
      told.peers[0].routes.map(({ prefix, state, communities, advertisements }: RouteRow) => {
        return [prefix, state, communities, advertisements]
      }),
      [['192.0.2.10/32', 'announced', ['64512:7', '64512:100'], ['all']]],
    )
  })

  test('an aggregate stays while one of its Services does', async () => {
    apply(ours('BGPAdvertisement', 'all', { aggregationLength: 24 }))
    await comesTrue(() => assert.deepEqual([...router.routes.keys()], ['192.0.2.0/24']))
    serve('other', '192.0.2.11')
    plane.kubectl(['delete', 'service', 'web'])
    await comesTrue(() => assert.equal(reports().length, 1))
    assert.deepEqual([...router.routes.keys()], ['192.0.2.0/24'])
    plane.kubectl(['delete', 'service', 'other'])
    await comesTrue(() => assert.deepEqual([...router.routes.keys()], []))
    await comesTrue(() => assert.equal(reports().length, 0))
  })

  test('two local preferences for one aggregate: the lower one hears of it', async () => {
    // Two ranges that end and begin in the middle of an aggregate.
    const half = (name: string, addresses: string, localPref: number) => [
      ours('IPAddressPool', name, { addresses: [addresses] }),
      ours('BGPAdvertisement', name, { ipAddressPools: [name], aggregationLength: 24, localPref }),
    ]
    apply(ours('BGPAdvertisement', 'all', { aggregationLength: 24, ipAddressPools: ['web'] }))
    apply(...half('low', '198.51.100.0-198.51.101.9', 50), ...half('high', '198.51.101.10-198.51.102.255', 60))
    serve('low', '198.51.101.1')
    serve('high', '198.51.101.200')
    await comesTrue(() => {
      const told = eventsOn('BGPAdvertisement').map(({ reason, message }) => `${reason} ${message}`)
      assert.match(told.join(), /localPreferenceConflict on node "alpha": local preference 50 .* 198\.51\.101\.0\/24/)
    })
    plane.kubectl(['delete', 'service', 'low', 'high'])
    for (const kind of ['bgpadvertisement', 'ipaddresspool']) {
      plane.kubectl(['delete', '-n', NAMESPACE, kind, 'low', 'high'])
    }
    apply(ours('BGPAdvertisement', 'all', { aggregationLength: 24 }))
    await comesTrue(() => assert.deepEqual([...router.routes.keys()], []))
  })

  test('what is about other peers leaves the session alone; what it depends on resets it', async () => {
    serve('web', '192.0.2.10')
    const { callers } = router
    const before = callers.length
    apply(peer({ nodeSelectors: [{ matchLabels: { rack: 'a' } }], connectTime: '5s' }))
    await comesTrue(() => assert.deepEqual([...router.routes.keys()], ['192.0.2.0/24']))
    assert.equal(callers.length, before)
    apply(peer({ holdTime: '30s' }))
    await comesTrue(() => assert.equal(callers.length, before + 1))
    await comesTrue(() => assert.equal(router.caller?.open?.holdTimeSeconds, 30))
    await comesTrue(() => assert.deepEqual([...router.routes.keys()], ['192.0.2.0/24']))
  })

  test('a password in a Secret: awaited, used, changed without a reset', async () => {
    const secret = (password: string) => ({
      ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/basic-auth' },
      ...{ metadata: { name: 'tor', namespace: NAMESPACE }, stringData: { password } },
    })
    router.setPassword('first')
    plane.kubectl(['delete', '-n', NAMESPACE, 'bgppeers', 'tor'])
    await comesTrue(() => assert.ok(router.caller?.heard.some(({ kind }) => kind === 'notification')))
    const before = router.callers.length
    apply(peer({ passwordSecret: { name: 'tor' } }))
    apply(secret('first'))
    await comesTrue(() => assert.equal(router.callers.length, before + 1))
    await comesTrue(() => assert.deepEqual([...router.routes.keys()], ['192.0.2.0/24']))
    apply(ours('BGPAdvertisement', 'all', { aggregationLength: 24, communities: ['64512:1'] }), secret('second'))
    adaptTcp(router.caller!.socket, loopbackPath('second'))
    router.setPassword('second')
    await comesTrue(() => assert.equal(router.routes.get('192.0.2.0/24')?.communities.length, 1))
    assert.equal(router.callers.length, before + 1)
    apply(ours('BGPAdvertisement', 'all', { aggregationLength: 24 }))
    router.setPassword(undefined)
  })

  test('a node that loses the label of the peer ends the session, and begins it anew', async () => {
    apply(peer({ nodeSelectors: [{ matchLabels: { rack: 'a' } }] }))
    await comesTrue(() => assert.equal(router.caller?.open?.holdTimeSeconds, 90))
    const { caller } = router
    plane.kubectl(['label', 'node', 'alpha', 'rack=b', '--overwrite'])
    await caller!.gone
    assert.ok(caller!.heard.some(({ kind }) => kind === 'notification'))
    await comesTrue(() => assert.deepEqual(reports(), []))
    plane.kubectl(['label', 'node', 'alpha', 'rack=a', '--overwrite'])
    await comesTrue(() => assert.deepEqual([...router.routes.keys()], ['192.0.2.0/24']))
  })

  test('a cordoned node marks its routes, and says goodbye for good', async () => {
    plane.kubectl(['cordon', 'alpha'])
    await comesTrue(() => {
      assert.deepEqual(router.routes.get('192.0.2.0/24')?.communities.map(formatCommunity), ['GRACEFUL_SHUTDOWN'])
    })
    const { caller } = router
    await speaker.stop(15_000)
    await caller!.gone
    assert.equal(caller!.rib.routes.size, 0)
    assert.equal(caller!.heard.at(-1)?.kind, 'notification')
    plane.kubectl(['uncordon', 'alpha'])
  })

  test('a speaker that is upgraded closes without a word, and comes back as one that restarts', async () => {
    speaker = await startSpeaker()
    await comesTrue(() => assert.ok(router.routes.has('192.0.2.0/24')))
    const { caller } = router
    await speaker.stop(15_000)
    await caller!.gone
    assert.equal(caller!.rib.routes.size, 1)
    assert.ok(caller!.heard.every(({ kind }) => kind !== 'notification'))
    speaker = await startSpeaker()
    await comesTrue(() => assert.ok(router.caller !== caller && router.routes.has('192.0.2.0/24')))
    const graceful = router.caller?.open?.capabilities.find(({ kind }) => kind === 'graceful-restart')
    assert.ok(graceful?.kind === 'graceful-restart' && graceful.isRestarting)
  })
})
