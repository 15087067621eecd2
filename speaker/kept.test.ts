import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice, Service } from '../operator/index.ts'
import { keepEndpointSlice, keepService, serviceKeysOf } from './kept.ts'

const METADATA = { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web', other: 'x' } }

function slice(endpoints: unknown): EndpointSlice {
  return { metadata: METADATA, endpoints } as EndpointSlice
}

const SLICES: readonly [string, unknown, boolean][] = [
  ['endpoints: null, as the API server writes none (it once ended the speaker)', null, false],
  ['no endpoints at all', undefined, false],
  ['addresses: null', [{ addresses: null }], false],
  ['conditions: null', [{ addresses: ['10.0.0.1'], conditions: null }], true],
  ['ready', [{ addresses: ['10.0.0.1', '10.0.0.2'], nodeName: 'n1', conditions: { ready: true } }], true],
  ['terminating but serving', [{ addresses: ['10.0.0.1'], conditions: { ready: false, serving: true } }], true],
  ['not ready', [{ addresses: ['10.0.0.1'], conditions: { ready: false } }], false],
]

for (const [what, endpoints, canServe] of SLICES) {
  test(`an EndpointSlice with ${what}`, () => {
    assert.equal(keepEndpointSlice(slice(endpoints)).serving.anywhere, canServe)
  })
}

test('a kept slice still names its Service', () => {
  assert.deepEqual(serviceKeysOf(keepEndpointSlice(slice(null))), ['default/web'])
})

test('of a Service no more is kept than is decided by', () => {
  const service: Service = {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      deletionTimestamp: '2026-01-01T00:00:00Z',
      resourceVersion: '7',
      annotations: { 'metallb.io/allow-shared-ip': '', 'kubectl.kubernetes.io/last-applied-configuration': '{…}' },
    },
    spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }], selector: { app: 'web' } },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } },
  }
  assert.deepEqual(JSON.parse(JSON.stringify(keepService(service))), {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      deletionTimestamp: '2026-01-01T00:00:00Z',
      annotations: { 'metallb.io/allow-shared-ip': '' },
    },
    spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } },
  })
})
