/** A life in acts, in this order: what happens to an installation from the first controller to the last speaker. */
import assert from 'node:assert/strict'
import { eventually } from '../../testkit/eventually.ts'
import { startRawHost } from '../../testkit/raw-host.ts'
import { arpRequest, ip } from '../../testkit/raw-host-frames.ts'
import { bfd, bgp, community, l2, peer, pool } from '../../testkit/resources.ts'
import type { Router } from '../../testkit/routers/index.ts'
import {
  addressOf,
  type ControllerName,
  type Installation,
  inLan,
  NAMESPACE,
  NODES,
  type NodeName,
  PATIENCE_MS,
} from './installation.ts'

const [NODE_ASN, ROUTER_ASN] = [64_512, 64_513]
const WEB = inLan(100)
/** A pool of two: the stranger has the first one. */
const [TAKEN, FREE] = [inLan(116), inLan(117)]

/** What nobody but its owners may ever read, by where it is planted. */
export const PLANTED = {
  'the Secret of a BGPPeer': 'planted-in-a-secret-7Rk2',
  'the spec of a BGPPeer': 'planted-in-a-spec-9Qx4',
} as const

export interface Act {
  readonly name: string
  readonly play: (life: Installation) => Promise<void>
}

export const ACTS: readonly Act[] = [
  { name: 'a controller is installed, leads, and makes key and certificate', play: firstController },
  { name: 'speakers join', play: speakers },
  { name: 'pools, advertisements, and a router with a password', play: configuration },
  { name: 'Services come, change and go', play: services },
  { name: 'an address moves to another node and back', play: moves },
  { name: 'a stranger claims an address that is announced', play: foreignClaim },
  { name: 'a stranger has an address before it is given out', play: addressInUse },
  { name: 'what cannot be in force is refused, or told', play: mistakes },
  { name: 'a node dies, another one takes over and tidies up', play: death },
  { name: 'another replica leads, with the finalizer', play: succession },
]

async function firstController(life: Installation): Promise<void> {
  callWebhookAt(life, 'one')
  await life.startController('one')
  await soon(() => {
    life.plane.kubectl(['get', 'secret', 'memberlist', '-n', NAMESPACE])
    const result = state(life, 'controller')
    assert.equal(result, 'Valid')
  })
}

/** As the endpoint slice controller does for the Service of the webhook. */
function callWebhookAt(life: Installation, controller: ControllerName): void {
  const name = 'metallb-webhook-service'
  life.apply({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [addressOf(controller)], conditions: { ready: true } }],
    ports: [{ name: 'webhook', port: 9443, protocol: 'TCP' }],
  })
}

async function speakers(life: Installation): Promise<void> {
  await Promise.all(NODES.map((node) => life.startSpeaker(node)))
  for (const node of NODES) await soon(() => assert.equal(state(life, `speaker-${node}`), 'Valid'))
}

async function configuration(life: Installation): Promise<void> {
  const password = PLANTED['the Secret of a BGPPeer']
  const neighbor = { localAddress: addressOf('router'), asn: NODE_ASN, password, holdTimeSeconds: 90 }
  const neighbors = NODES.map((node) => ({
    ...neighbor,
    address: addressOf(node),
    bfd: { intervalMs: 300, multiplier: 5 },
  }))
  const router = await life.startRouter({
    asn: ROUTER_ASN,
    routerId: addressOf('router'),
    isCollector: true,
    neighbors,
  })
  const target = { myASN: NODE_ASN, peerASN: ROUTER_ASN, peerAddress: addressOf('router') }
  life.apply(
    passwordSecret('tor', password),
    pool('web', { addresses: [`${WEB}/29`] }),
    pool('small', { addresses: [`${TAKEN}/31`], autoAssign: false }),
    l2('all'),
    // Not of the small one: whom routers lead somewhere is not moved for what a stranger does on one segment.
    bgp('all', { communities: ['blue'], ipAddressPools: ['web'] }),
    community('names', { blue: '64512:7' }),
    bfd('fast', { receiveInterval: 300, transmitInterval: 300, detectMultiplier: 5 }),
    peer('tor', { ...target, passwordSecret: { name: 'tor' }, bfdProfile: 'fast', enableGracefulRestart: true }),
    // Nobody is there.
    peer('silent', { ...target, peerAddress: inLan(253), password: PLANTED['the spec of a BGPPeer'] }),
  )
  for (const node of NODES) await soon(() => isUp(router, node))
}

async function isUp(router: Router, node: NodeName): Promise<void> {
  const { isEstablished, bfd: detection, state: words, lastError } = await router.neighbor(addressOf(node))
  assert.deepEqual([isEstablished, detection], [true, 'up'], `${node}: ${words}, ${lastError}`)
}

function passwordSecret(name: string, password: string): object {
  const metadata = { name, namespace: NAMESPACE }
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/basic-auth', metadata, stringData: { password } }
}

async function services(life: Installation): Promise<void> {
  serve(life, 'web', { 'metallb.io/loadBalancerIPs': WEB })
  serve(life, 'mail')
  for (const name of ['web', 'mail']) {
    await soon(() => assert.equal(reportsOn(life, 'servicel2statuses', name).length, 1))
    await soon(() => assert.equal(reportsOn(life, 'servicebgpstatuses', name).length, NODES.length))
  }
  for (const _ of [1, 2]) {
    retype(life, 'web', 'ClusterIP')
    await soon(() => assert.equal(ingressOf(life, 'web'), undefined))
    retype(life, 'web', 'LoadBalancer')
    await soon(() => assert.equal(ingressOf(life, 'web'), WEB))
  }
  await soon(() => assert.ok(repeated(life, 'metallb-controller')))
  life.plane.kubectl(['delete', 'service', 'mail'])
  await soon(() => {
    assert.deepEqual(reportsOn(life, 'servicel2statuses', 'mail'), [])
    assert.deepEqual(reportsOn(life, 'servicebgpstatuses', 'mail'), [])
  })
}

/** A Service and an endpoint that can serve it, in `default`. */
function serve(life: Installation, name: string, annotations: Readonly<Record<string, string>> = {}): void {
  const metadata = { name, namespace: 'default' }
  life.apply(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, annotations },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'alpha', conditions: { ready: true } }],
      ports: [{ port: 80 }],
    },
  )
}

function retype(life: Installation, name: string, type: string): void {
  life.plane.kubectl(['patch', 'service', name, '--type=merge', '-p', JSON.stringify({ spec: { type } })])
}

async function moves(life: Installation): Promise<void> {
  const first = await owner(life, 'web')
  for (const [from, to] of [
    [first, otherThan(first)],
    [otherThan(first), first],
  ] as const) {
    life.plane.kubectl(['cordon', from])
    await soon(() => assert.deepEqual(ownersOf(life, 'web'), [to]))
    life.plane.kubectl(['uncordon', from])
  }
  await soon(() => assert.ok(repeated(life, 'metallb-speaker')))
}

async function foreignClaim(life: Installation): Promise<void> {
  const stranger = await startRawHost(life.lan.host('stranger'))
  await soon(() => {
    stranger.send('arp', arpRequest(WEB, { sender: ip(WEB) }))
    const [report] = reportsOn(life, 'servicel2statuses', 'web')
    assert.equal(report?.metadata.annotations?.['invar.dev/conflict'], WEB)
  })
}

async function addressInUse(life: Installation): Promise<void> {
  const host = life.lan.host('stranger')
  host.run('ip', 'address', 'add', `${TAKEN}/24`, 'dev', 'eth0')
  serve(life, 'fresh', { 'metallb.io/address-pool': 'small' })
  await soon(() => assert.equal(ingressOf(life, 'fresh'), FREE))
  await soon(() => assert.equal(ownersOf(life, 'fresh').length, 1))
}

async function mistakes(life: Installation): Promise<void> {
  assert.throws(() => life.apply(pool('overlapping', { addresses: [`${WEB}/32`] })), /overlaps/)
  const target = { myASN: NODE_ASN, peerASN: ROUTER_ASN, peerAddress: inLan(252) }
  life.apply(peer('secretless', { ...target, passwordSecret: { name: 'nowhere' } }))
  await soon(() => assert.equal(state(life, 'speaker-alpha'), 'Invalid'))
}

async function death(life: Installation): Promise<void> {
  const dead = await owner(life, 'web')
  await life.end(dead, 'SIGKILL')
  await soon(() => assert.deepEqual(ownersOf(life, 'web'), [otherThan(dead)]))
  await life.startSpeaker(dead)
}

async function succession(life: Installation): Promise<void> {
  await life.startController('two', '--cleanup-finalizer')
  await life.end('one')
  await leads(life, 'invar-controller', 'two')
  serve(life, 'late')
  await soon(() => assert.equal(ownersOf(life, 'late').length, 1))
  assert.equal(
    life.list('services', '-n', 'default', '--field-selector=metadata.name=late')[0].metadata.finalizers?.length,
    1,
  )
  await life.plane.startKubectl(['delete', 'service', 'late', '--timeout=60s'])
}

/** Resolves when a controller on that host holds the lease. */
export async function leads(life: Installation, lease: string, controller: ControllerName): Promise<void> {
  await soon(() => {
    const holder = life.plane.kubectl(['get', 'lease', lease, '-n', NAMESPACE, '-o', 'jsonpath={.spec.holderIdentity}'])
    assert.match(holder, new RegExp(`^controller-${controller}-`))
  })
}

function soon(attempt: () => void | Promise<void>): Promise<void> {
  return eventually(attempt, PATIENCE_MS, 200)
}

function otherThan(node: NodeName): NodeName {
  return node === 'alpha' ? 'beta' : 'alpha'
}

function state(life: Installation, name: string): string | undefined {
  return life.list('configurationstates', `--field-selector=metadata.name=${name}`)[0]?.status?.result
}

function ingressOf(life: Installation, name: string): string | undefined {
  const [found] = life.list('services', '-n', 'default', `--field-selector=metadata.name=${name}`)
  return found?.status.loadBalancer.ingress?.[0]?.ip
}

function reportsOn(life: Installation, kind: string, service: string) {
  return life.list(kind, `--selector=metallb.io/service-name=${service}`)
}

/** Nodes that answer for a Service, as the reports say. */
function ownersOf(life: Installation, service: string): readonly NodeName[] {
  return reportsOn(life, 'servicel2statuses', service).map(({ status }) => status?.node)
}

async function owner(life: Installation, service: string): Promise<NodeName> {
  return eventually(() => {
    const owners = ownersOf(life, service)
    assert.equal(owners.length, 1)
    return owners[0]!
  }, PATIENCE_MS)
}

/** Whether the program has told of something again, by counting on an Event that it has made before. */
function repeated(life: Installation, component: string): boolean {
  return life.list('events', '-A').some(({ source, count }) => source.component === component && count > 1)
}
