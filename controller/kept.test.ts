import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, Ledger, requestOf } from '../core/allocate/index.ts'
import { serviceStatusPatch } from '../core/status/index.ts'
import type { Service } from '../operator/index.ts'
import { keepService } from './kept.ts'

const OURS = {
  type: 'invar.dev/AddressAllocated',
  status: 'True',
  reason: 'IPAllocated',
  message: 'Assigned 192.0.2.1 from pool "web"',
  lastTransitionTime: '2026-01-01T08:00:00Z',
} as const
const FOREIGN = { ...OURS, type: 'example.com/Ready', observedGeneration: 3 }

/** As the API server sends it, fields that nobody of ours reads included. */
function service(metadata: object = {}, spec: object = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '7',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { tier: 'front' },
      annotations: {
        'metallb.io/address-pool': 'web',
        'metallb.universe.tf/allow-shared-ip': 'a',
        'kubectl.kubernetes.io/last-applied-configuration': '{…}',
      },
      managedFields: [{}],
      ...metadata,
    },
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      externalTrafficPolicy: 'Cluster',
      selector: { app: 'web' },
      ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: 30080 }],
      sessionAffinity: 'None',
      ...spec,
    },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] }, conditions: [FOREIGN, OURS] },
  } as Service
}

/** Without the fields that are there and undefined. */
function plain(object: unknown): unknown {
  return JSON.parse(JSON.stringify(object))
}

test('of a load balancer what is decided by is kept, and its status whole', () => {
  assert.deepEqual(plain(keepService(service())), {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '7',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { tier: 'front' },
      annotations: { 'metallb.io/address-pool': 'web', 'metallb.universe.tf/allow-shared-ip': 'a' },
    },
    spec: {
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.9'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      externalTrafficPolicy: 'Cluster',
      ports: [{ protocol: 'TCP', port: 80 }],
    },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] }, conditions: [FOREIGN, OURS] },
  })
})

test('of what is no load balancer, and never had an address of ours, only that is kept', () => {
  const shown = { ...service({ annotations: { other: 'x' } }, { type: 'ClusterIP' }), status: { loadBalancer: {} } }
  assert.deepEqual(plain(keepService(shown)), {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '7',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { type: 'ClusterIP' },
  })
})

const SERVICES: readonly [string, Service][] = [
  ['an ordinary one', service()],
  ['local traffic: the selector decides about sharing', service({}, { externalTrafficPolicy: 'Local' })],
  ['two families', service({}, { clusterIPs: ['10.96.0.9', 'fd00::9'], ipFamilies: ['IPv4', 'IPv6'] })],
  ['IPv6 first', service({}, { clusterIPs: ['fd00::9'], ipFamilies: ['IPv6'], ipFamilyPolicy: 'PreferDualStack' })],
  ['no list of cluster addresses', service({}, { clusterIPs: undefined })],
  ['an empty list of cluster addresses', service({}, { clusterIPs: [] })],
  ['a wanted address and a class', service({}, { loadBalancerIP: '192.0.2.7', loadBalancerClass: 'a/b' })],
  ['deleted, with a finalizer', service({ deletionTimestamp: '2026-01-02T00:00:00Z', finalizers: ['x/y'] })],
  ['an address left from another type', service({}, { type: 'ClusterIP' })],
  ['only our annotation left', { ...service({}, { type: 'ClusterIP' }), status: {} }],
  ['nothing but a name', { metadata: { name: 'web' } }],
]

for (const [what, whole] of SERVICES) {
  test(`the kept part asks for the same as the whole, and gets the same written: ${what}`, () => {
    const kept = keepService(whole)
    assert.deepEqual(requestOf(kept), requestOf(whole))
    const decisionOf = (shown: Service) => decide(emptyLedger(), requestOf(shown), 0)
    assert.deepEqual(
      serviceStatusPatch(kept, decisionOf(kept), 0, true),
      serviceStatusPatch(whole, decisionOf(whole), 0, true),
    )
  })
}

function emptyLedger(): Ledger {
  const ledger = new Ledger()
  ledger.configure({ pools: new Map() } as unknown as Ledger['snapshot'])
  return ledger
}
