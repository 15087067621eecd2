/**
 * What the controller makes of the speakers' reports, on a real API server and with the rights of deploy/invar.yaml:
 * deleted Services that are still announced, addresses that others use.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { parseAllDocuments, stringify } from 'yaml'
import { CLEANUP_FINALIZER, CONFLICT_ANNOTATION } from '../core/status/index.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { controllerFor } from './controller-for-tests.ts'
import type { Controller } from './program.ts'

const NAMESPACE = 'metallb-system'
const IP = '{.status.loadBalancer.ingress[0].ip}'
const FINALIZERS = '{.metadata.finalizers}'

let plane: ControlPlane
let kubeconfig: string
let controller: Controller | undefined

before(async () => {
  plane = await startControlPlane()
  plane.kubectl(['create', 'namespace', NAMESPACE])
  plane.kubectl(['apply', '--server-side', '-k', 'crds'])
  plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  plane.kubectl(['apply', '-n', NAMESPACE, '-f', '-'], rightsOf('deploy/invar.yaml'))
  kubeconfig = plane.kubeconfigFor('controller', { commonName: `system:serviceaccount:${NAMESPACE}:controller` })
  apply('metallb.io/v1beta1', 'IPAddressPool', 'lan', { addresses: ['192.0.2.0/30'] }, NAMESPACE)
})

after(async () => {
  await controller?.stop()
  await plane?.stop()
})

function rightsOf(path: string): string {
  const documents = parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as { kind: string })
  return documents
    .filter(({ kind }) => /Role|ServiceAccount/.test(kind))
    .map((document) => stringify(document))
    .join('---\n')
}

async function restart(cleanupFinalizer: boolean): Promise<void> {
  await controller?.stop()
  controller = controllerFor(kubeconfig, NAMESPACE, '', { cleanupFinalizer })
  await controller.start()
}

function apply(
  apiVersion: string,
  kind: string,
  name: string,
  spec: object,
  namespace = 'default',
  metadata = {},
): void {
  const object = { apiVersion, kind, metadata: { name, namespace, ...metadata }, spec }
  plane.kubectl(['apply', '-f', '-'], JSON.stringify(object))
}

function service(name: string, spec: object = {}, metadata: object = {}): void {
  const ordinary = { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }] }
  apply('v1', 'Service', name, { ...ordinary, ...spec }, 'default', metadata)
}

/** As a speaker on `node` writes it. */
function report(about: string, node: string, conflict?: { reason: string; address: string; message: string }): void {
  const name = `l2-${about}-${node}`
  const annotations = conflict === undefined ? {} : { [CONFLICT_ANNOTATION]: conflict.address }
  apply('metallb.io/v1beta1', 'ServiceL2Status', name, {}, NAMESPACE, { annotations })
  const { reason, message } = conflict ?? {}
  const lastTransitionTime = '2026-01-01T00:00:00Z'
  const condition = { type: 'AddressConflict', status: 'True', reason, message, lastTransitionTime }
  const conditions = conflict === undefined ? [] : [condition]
  const isAnnounced = reason !== 'AddressInUse'
  const status = { serviceName: about, serviceNamespace: 'default', conditions, ...(isAnnounced && { node }) }
  plane.kubectl([
    ...['patch', '-n', NAMESPACE, 'servicel2status', name, '--subresource=status', '--type=merge'],
    ...['-p', JSON.stringify({ status })],
  ])
}

function withdraw(about: string, node: string): void {
  plane.kubectl(['delete', '-n', NAMESPACE, 'servicel2status', `l2-${about}-${node}`])
}

async function waitFor(name: string, path: string, value: string): Promise<void> {
  await plane.startKubectl(['wait', `service/${name}`, `--for=jsonpath=${path}=${value}`, '--timeout=10s'])
}

async function waitForEvent(name: string, reason: string): Promise<void> {
  const selector = `involvedObject.name=${name},reason=${reason}`
  await plane.startKubectl(['wait', '--for=create', 'event', '--field-selector', selector, '--timeout=10s'])
}

function read(name: string, path: string): string {
  return plane.kubectl(['get', 'service', name, '-o', `jsonpath=${path}`])
}

function remove(...names: readonly string[]): void {
  plane.kubectl(['delete', 'service', '--wait=false', ...names])
}

async function gone(name: string): Promise<void> {
  await plane.startKubectl(['wait', '--for=delete', `service/${name}`, '--timeout=10s'])
}

describe('with --cleanup-finalizer', () => {
  before(() => restart(true))

  test('address, annotation and finalizer come in one write', async () => {
    service('web')
    await waitFor('web', IP, '192.0.2.0')
    assert.equal(read('web', FINALIZERS), JSON.stringify([CLEANUP_FINALIZER]))
  })

  test('a deleted Service that is announced stays, its address is given to nobody; then it goes', async () => {
    const clusterIP = read('web', '{.spec.clusterIP}')
    report('web', 'n1')
    report('web', 'n2')
    service('pinned', {}, { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.0' } })
    await waitForEvent('pinned', 'AllocationFailed')
    remove('web')
    withdraw('web', 'n1')
    service('another')
    await waitFor('another', IP, '192.0.2.1')
    assert.equal(read('web', IP), '192.0.2.0', 'still there')
    withdraw('web', 'n2')
    await gone('web')
    await waitFor('pinned', IP, '192.0.2.0')
    service('heir', { clusterIP })
    assert.equal(read('heir', '{.spec.clusterIP}'), clusterIP, 'the API server has its cluster IP back')
  })

  test('a Service that nobody announces goes at once', async () => {
    remove('another', 'heir')
    await Promise.all([gone('another'), gone('heir')])
  })

  test('a Service that is no load balancer any more loses it with the address', async () => {
    plane.kubectl(['patch', 'service', 'pinned', '--type=merge', '-p', '{"spec":{"type":"ClusterIP"}}'])
    await waitFor('pinned', '{.spec.type}', 'ClusterIP')
    remove('pinned')
    await gone('pinned')
  })

  test('a Service of another class keeps the finalizer of its own controller', async () => {
    service('foreign', { loadBalancerClass: 'example.com/lb' }, { finalizers: [CLEANUP_FINALIZER] })
    service('ours')
    await waitFor('ours', IP, '192.0.2.0')
    assert.equal(read('foreign', FINALIZERS), JSON.stringify([CLEANUP_FINALIZER]))
  })
})

describe('without it', () => {
  test('what the flag left behind is taken away, what others wrote is not', async () => {
    plane.kubectl(['patch', 'service', 'ours', '--type=merge', '-p', '{"metadata":{"labels":{"still":"ours"}}}'])
    service('held')
    await waitFor('held', IP, '192.0.2.1')
    report('held', 'n1')
    remove('held')
    await restart(false)
    await gone('held')
    await waitFor('ours', '{.metadata.labels.still}', 'ours')
    service('marker')
    await waitFor('marker', IP, '192.0.2.1')
    assert.equal(read('ours', FINALIZERS), '')
    assert.equal(read('ours', IP), '192.0.2.0')
    assert.equal(read('foreign', FINALIZERS), JSON.stringify([CLEANUP_FINALIZER]))
    withdraw('held', 'n1')
    remove('ours', 'marker')
    await Promise.all([gone('ours'), gone('marker')])
  })
})

describe('an address that others use', () => {
  const message = 'station 02:00:00:00:00:09, seen on interface eth0 of node n1, has it already'

  test('is left by a Service that nobody has reached there, and given to no other', async () => {
    service('fresh')
    await waitFor('fresh', IP, '192.0.2.0')
    report('fresh', 'n1', { reason: 'AddressInUse', address: '192.0.2.0', message })
    await waitFor('fresh', IP, '192.0.2.1')
    service('second')
    await waitFor('second', IP, '192.0.2.2')
    await waitForEvent('fresh', 'ClearAssignment')
  })

  test('is kept by a Service that is announced there, and said of it', async () => {
    report('second', 'n1', { reason: 'ForeignClaim', address: '192.0.2.2', message })
    const condition = '{.status.conditions[?(@.type=="invar.dev/AddressAllocated")].reason}'
    await waitFor('second', condition, 'AddressConflict')
    assert.equal(read('second', IP), '192.0.2.2')
    await waitForEvent('second', 'AddressConflict')
    withdraw('second', 'n1')
    await waitFor('second', condition, 'IPAllocated')
  })

  test('is known to the next leader before it gives anything out', async () => {
    report('second', 'n1', { reason: 'ForeignClaim', address: '192.0.2.3', message })
    await restart(false)
    service('third')
    await waitForEvent('third', 'AllocationFailed')
    assert.equal(read('third', IP), '', 'of the two addresses that are free the speakers report a conflict')
  })
})
