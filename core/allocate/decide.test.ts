import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IPAddressPool } from '../../crds/index.ts'
import { aged, pool, resources } from '../../testkit/resources.ts'
import { compile } from '../config/index.ts'
import { adopt } from './adoption.ts'
import { decide } from './decide.ts'
import { Ledger } from './ledger.ts'
import { ADDRESS_CONDITION, ALLOCATED_FROM_POOL, requestOf, type ServiceShape } from './request.ts'

/** What the scenario scripts cannot say: Services whose fields are odd, and what is remembered outside the ledger. */

function ledgerWith(...addresses: readonly string[]): Ledger {
  const ledger = new Ledger()
  ledger.configure(compile(resources([pool('web', { addresses: [...addresses] })])).snapshot)
  return ledger
}

interface Words {
  readonly clusterIPs?: readonly string[]
  readonly shows?: readonly string[]
  readonly pool?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly message?: string
}

function service({ clusterIPs = ['10.96.0.1'], shows = [], pool: from, annotations, message }: Words): ServiceShape {
  const allocatedFrom = from === undefined ? {} : { [ALLOCATED_FROM_POOL]: from }
  return {
    metadata: { name: 's', namespace: 'default', annotations: { ...annotations, ...allocatedFrom } },
    spec: { type: 'LoadBalancer', clusterIPs, ports: [{ port: 80 }] },
    status: {
      loadBalancer: { ingress: shows.map((ip) => ({ ip })) },
      conditions: message === undefined ? [] : [{ type: ADDRESS_CONDITION, message }],
    },
  }
}

function reasons(ledger: Ledger, words: Words): readonly string[] {
  return decide(ledger, requestOf(service(words)), 0).events.map(({ reason }) => reason)
}

test('cluster IP None: without an address it waits, with one it keeps it', () => {
  const ledger = ledgerWith('192.0.2.0/24')
  assert.deepEqual(reasons(ledger, { clusterIPs: ['None'] }), ['AllocationFailed'])
  const holding = { clusterIPs: ['None'], shows: ['192.0.2.7'], pool: 'web' }
  const decision = decide(ledger, requestOf(service(holding)), 0)
  assert.deepEqual(
    decision.events.map(({ reason }) => reason),
    ['noclusterIPsIPFamily'],
  )
  assert.deepEqual([decision.addresses, decision.pool, decision.changed], [['192.0.2.7'], 'web', false])
  assert.deepEqual(reasons(ledger, holding), [], 'told once')
})

test('no cluster IP at all: what it has is taken back', () => {
  const ledger = ledgerWith('192.0.2.0/24')
  const words = { clusterIPs: [], shows: ['192.0.2.7'], pool: 'web' }
  assert.deepEqual(reasons(ledger, words), ['ClearAssignment', 'AllocationFailed'])
})

test('no pool: said once, and the remedy is clear', () => {
  const ledger = new Ledger()
  ledger.configure(compile(resources([])).snapshot)
  const decision = decide(ledger, requestOf(service({})), 0)
  assert.equal(decision.message, 'No address for Service default/s: there is no IPAddressPool')
  assert.deepEqual(reasons(ledger, {}), [])
})

test('after a restart the condition remembers what was told', () => {
  const before = decide(ledgerWith('2001:db8::/64'), requestOf(service({})), 0)
  assert.equal(before.events.length, 1)
  assert.deepEqual(reasons(ledgerWith('2001:db8::/64'), { message: before.message }), [])
  assert.deepEqual(reasons(ledgerWith('2001:db8::/64'), { message: 'something else' }), ['AllocationFailed'])
})

test('an address that is written but not seen yet is not told again', () => {
  const ledger = ledgerWith('192.0.2.0/24')
  assert.deepEqual(reasons(ledger, {}), ['IPAllocated'])
  assert.deepEqual(reasons(ledger, {}), [])
  assert.deepEqual(reasons(ledger, { shows: ['192.0.2.0'], pool: 'web' }), [])
  assert.deepEqual(reasons(ledger, {}), ['IPAllocated'], 'now it was seen, and is gone')
})

test('both addresses stay when another controller wrote IPv6 first, and IPv4 comes first then', () => {
  const ledger = ledgerWith('192.0.2.0/24', '2001:db8::/64')
  const words = { clusterIPs: ['fd00::1', '10.96.0.1'], shows: ['2001:db8::7', '192.0.2.7'], pool: 'web' }
  const decision = decide(ledger, requestOf(service(words)), 0)
  assert.deepEqual([decision.addresses, decision.changed], [['192.0.2.7', '2001:db8::7'], true])
})

test('an address in unusual text is the same address', () => {
  const ledger = ledgerWith('2001:db8::/64')
  const words = { clusterIPs: ['fd00::1'], shows: ['2001:0DB8::7'], pool: 'web' }
  const decision = decide(ledger, requestOf(service(words)), 0)
  assert.deepEqual([decision.addresses, decision.events], [['2001:db8::7'], []])
})

test('each deprecated annotation is told when the pass changes the Service', () => {
  const ledger = ledgerWith('192.0.2.0/24')
  const annotations = {
    'metallb.universe.tf/allow-shared-ip': 'x',
    'metallb.universe.tf/loadBalancerIPs': '192.0.2.9',
  }
  const { events } = decide(ledger, requestOf(service({ annotations })), 0)
  assert.deepEqual(
    events.slice(1).map(({ message }) => message),
    [
      'Annotation metallb.universe.tf/loadBalancerIPs is deprecated: use metallb.io/loadBalancerIPs',
      'Annotation metallb.universe.tf/allow-shared-ip is deprecated: use metallb.io/allow-shared-ip',
    ],
  )
})

const REQUESTS: readonly [string, string][] = [
  ['192.0.2.1,', 'is not an IP address'],
  ['192.0.2.01', 'is not an IP address'],
  ['192.0.2.1, 2001:db8::1, 192.0.2.2', '3 addresses are requested'],
  ['2001:db8::1', 'must be one IPv4 address, like the cluster IPs'],
  ['198.51.100.1', 'no pool contains 198.51.100.1'],
]

for (const [requested, told] of REQUESTS) {
  test(`a request for "${requested}" is refused with: ${told}`, () => {
    const annotations = { 'metallb.io/loadBalancerIPs': requested }
    const { message } = decide(ledgerWith('192.0.2.0/24'), requestOf(service({ annotations })), 0)
    assert.ok(message.includes(told), message)
  })
}

test('an address of another pool than the one asked for is refused for that, whoever holds it: told once', () => {
  const ledger = new Ledger()
  const pools = [pool('p', { addresses: ['192.0.2.0/32'] }), pool('q', { addresses: ['198.51.100.0/32'] })]
  ledger.configure(compile(resources(pools)).snapshot)
  const annotations = { 'metallb.io/address-pool': 'p', 'metallb.io/loadBalancerIPs': '198.51.100.0' }
  assert.deepEqual(reasons(ledger, { annotations }), ['AllocationFailed'])
  ledger.assign(
    { key: 'default/holder', addresses: ['198.51.100.0'], sharingKey: '', backendKey: '', ports: [], isShown: true },
    0,
  )
  assert.deepEqual(reasons(ledger, { annotations }), [])
})

/** Rows 79 and 80 of the scenario table, on what `compile` makes of such pools. */
const BROKEN: readonly [about: string, good: readonly IPAddressPool[], bad: readonly IPAddressPool[]][] = [
  [
    'a pool gets a bad entry',
    [pool('web', { addresses: ['192.0.2.0/29'] })],
    [pool('web', { addresses: ['192.0.2.0/29', '192.0.2.300/32'] })],
  ],
  [
    'nothing that the only pool has can be read (all were cleared after a restart)',
    [pool('web', { addresses: ['192.0.2.0/29'] })],
    [pool('web', { addresses: ['192.0.2.0/42'] })],
  ],
  [
    'a younger pool overlaps',
    [pool('web', { addresses: ['192.0.2.0/29'] })],
    [pool('web', { addresses: ['192.0.2.0/29'] }), pool('x', { addresses: ['192.0.2.0/28'] }, aged(1))],
  ],
]

for (const [about, good, bad] of BROKEN) {
  for (const hasRestarted of [false, true]) {
    test(`${about}${hasRestarted ? ', and the controller starts anew' : ''}: who has an address keeps it`, () => {
      const before = compile(resources(good)).snapshot
      const { snapshot, problems } = compile(resources(bad), hasRestarted ? undefined : before)
      assert.equal(problems.length, 1, 'it is reported')
      const ledger = new Ledger()
      ledger.configure(snapshot)
      const holding = requestOf(service({ shows: ['192.0.2.5'], pool: 'web' }))
      adopt(ledger, [holding], 0)
      const decision = decide(ledger, holding, 0)
      assert.deepEqual([decision.addresses, decision.changed, decision.events], [['192.0.2.5'], false, []])
      ledger.configure(compile(resources(good), snapshot).snapshot)
      assert.equal(decide(ledger, holding, 0).changed, false, 'after the repair')
    })
  }
}

test('a pool that was broken before the controller started gives nothing new; one that a younger overlaps does', () => {
  const given = BROKEN.map(([, , pools]) => {
    const ledger = new Ledger()
    ledger.configure(compile(resources(pools)).snapshot)
    return decide(ledger, requestOf(service({})), 0).addresses
  })
  assert.deepEqual(given, [[], [], ['192.0.2.0']])
})
