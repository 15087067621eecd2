import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADDRESS_CONDITION, ALLOCATED_FROM_POOL, type Decision } from '../allocate/index.ts'
import { type ServiceStatusShape, serviceStatusPatch } from './service-status.ts'

const NOON = Date.UTC(2026, 0, 1, 12)
const MORNING = '2026-01-01T08:00:00Z'
const ASSIGNED = 'Assigned 192.0.2.1 from pool "web"'
const FULL = 'No address for Service default/web: pool "web" has no IPv4 address left'

function decision(part: Partial<Decision> = {}): Decision {
  return {
    key: 'default/web',
    outcome: { kind: 'assigned', shortcoming: undefined },
    addresses: ['192.0.2.1'],
    pool: 'web',
    changed: true,
    events: [],
    message: ASSIGNED,
    verdicts: [],
    ...part,
  }
}

const WAITING = decision({
  outcome: { kind: 'waiting', because: { kind: 'no-pools' } },
  addresses: [],
  pool: undefined,
  message: FULL,
})

function condition(status: 'True' | 'False', reason: string, message: string) {
  return { type: ADDRESS_CONDITION, status, reason, message, lastTransitionTime: MORNING }
}

const HAPPY = condition('True', 'IPAllocated', ASSIGNED)
const PENDING = condition('False', 'AllocationFailed', FULL)

function service(ingress: readonly object[], pool?: string, conditions: readonly object[] = []): ServiceStatusShape {
  const annotations = pool === undefined ? {} : { [ALLOCATED_FROM_POOL]: pool }
  return {
    metadata: { resourceVersion: '7', annotations },
    status: { loadBalancer: { ingress }, conditions },
  } as ServiceStatusShape
}

test('a new address: ingress, annotation and condition in one write', () => {
  assert.deepEqual(serviceStatusPatch(service([]), decision(), NOON), {
    metadata: { annotations: { [ALLOCATED_FROM_POOL]: 'web' } },
    status: {
      loadBalancer: { ingress: [{ ip: '192.0.2.1' }] },
      conditions: [{ ...HAPPY, lastTransitionTime: '2026-01-01T12:00:00Z' }],
    },
  })
})

const NOTHING_TO_WRITE: readonly [string, ServiceStatusShape, Decision][] = [
  ['what is shown', service([{ ip: '192.0.2.1' }], 'web', [HAPPY]), decision()],
  ['what the API server fills in', service([{ ip: '192.0.2.1', ipMode: 'VIP' }], 'web', [HAPPY]), decision()],
  ['a holder of another controller, for the condition only', service([{ ip: '192.0.2.1' }], 'web'), decision()],
  ['one that waits and says so', service([], undefined, [PENDING]), WAITING],
  [
    'one of another class',
    service([{ ip: '203.0.113.9' }]),
    decision({ outcome: { kind: 'not-ours' }, addresses: ['203.0.113.9'], pool: undefined, changed: false }),
  ],
  [
    'one that is no load balancer',
    service([]),
    decision({ outcome: { kind: 'not-load-balancer' }, addresses: [], pool: undefined }),
  ],
]

for (const [about, shown, wanted] of NOTHING_TO_WRITE) {
  test(`nothing is written: ${about}`, () => assert.equal(serviceStatusPatch(shown, wanted, NOON), undefined))
}

const INGRESS_TO_WRITE: readonly [string, object][] = [
  ['a host name', { hostname: 'lb.example.com' }],
  ['another mode', { ip: '192.0.2.1', ipMode: 'Proxy' }],
  ['ports', { ip: '192.0.2.1', ports: [{ port: 80, protocol: 'TCP' }] }],
  ['another address', { ip: '192.0.2.2' }],
]

for (const [about, entry] of INGRESS_TO_WRITE) {
  test(`ingress is written where it shows ${about}`, () => {
    const patch = serviceStatusPatch(service([entry], 'web', [HAPPY]), decision(), NOON)
    assert.deepEqual(patch, { metadata: {}, status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } })
  })
}

test('one that begins to wait says why', () => {
  const patch = serviceStatusPatch(service([]), WAITING, NOON)
  assert.deepEqual(patch, {
    metadata: {},
    status: { conditions: [{ ...PENDING, lastTransitionTime: '2026-01-01T12:00:00Z' }] },
  })
})

test('another cause is no transition: its time stays', () => {
  const before = condition('False', 'AllocationFailed', 'No address for Service default/web: there is no IPAddressPool')
  const patch = serviceStatusPatch(service([], undefined, [before]), WAITING, NOON)
  assert.deepEqual(patch?.status?.conditions, [PENDING])
})

test('an address that is given back takes annotation and ingress with it', () => {
  const released = decision({ outcome: { kind: 'not-load-balancer' }, addresses: [], pool: undefined, message: '' })
  assert.deepEqual(serviceStatusPatch(service([{ ip: '192.0.2.1' }], 'web', [HAPPY]), released, NOON), {
    metadata: { annotations: { [ALLOCATED_FROM_POOL]: null } },
    status: { loadBalancer: { ingress: null }, conditions: [] },
  })
})

test('conditions of others stay, and the write fails if the Service has changed meanwhile', () => {
  const foreign = { ...HAPPY, type: 'example.com/Ready' }
  const patch = serviceStatusPatch(service([], undefined, [foreign, PENDING]), decision(), NOON)
  assert.equal(patch?.metadata?.resourceVersion, '7')
  const types = patch?.status?.conditions?.map(({ type }) => type)
  assert.deepEqual(types, ['example.com/Ready', ADDRESS_CONDITION])
})

test('a second family that is missing is said although there is an address', () => {
  const because = { kind: 'lacks-family', family: 6 } as const
  const shortcoming = { kind: 'missing-family', family: 6, pool: 'web', because } as const
  const partly = decision({ outcome: { kind: 'assigned', shortcoming }, message: 'no IPv6' })
  const patch = serviceStatusPatch(service([{ ip: '192.0.2.1' }], 'web'), partly, NOON)
  const [said] = patch?.status?.conditions ?? []
  assert.deepEqual([said?.status, said?.reason, said?.message], ['True', 'AdditionalAssignFailed', 'no IPv6'])
})
