import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ServiceL2Status } from '../../crds/index.ts'
import type { AddressConflict } from './address-conflict.ts'
import { type Layer2Standing, layer2Report } from './layer2-report.ts'
import type { ReportChanges } from './report-shape.ts'
import { conflictsIn, isAnnounced } from './reported-conflict.ts'

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'speaker-x', uid: '1' }
const reporter = { node: 'alpha', namespace: 'metallb-system', owner }
const service = { namespace: 'default', name: 'web' }
const NOON = Date.UTC(2026, 0, 1, 12)

function l2Of(node: string, name: string, interfaces: readonly string[] = []): ServiceL2Status {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'ServiceL2Status',
    metadata: { name, labels: { 'metallb.io/node': node } },
    status: {
      node,
      serviceName: 'web',
      serviceNamespace: 'default',
      interfaces: interfaces.map((interfaceName) => ({ name: interfaceName })),
    },
  }
}

function answers(interfaces: readonly string[], conflicts: readonly AddressConflict[] = []): Layer2Standing {
  return { kind: 'answers', interfaces, conflicts }
}

function report(standing: Layer2Standing, ...observed: readonly ServiceL2Status[]): ReportChanges<ServiceL2Status> {
  return layer2Report(reporter, service, standing, observed, NOON)
}

const NOTHING = { create: [], update: [], remove: [] }

describe('who answers', () => {
  test('creates its report and removes those that others left', () => {
    const { create, update, remove } = report(answers(['eth0']), l2Of('bravo', 'l2-b'))
    assert.deepEqual(create, [
      {
        apiVersion: 'metallb.io/v1beta1',
        kind: 'ServiceL2Status',
        metadata: {
          generateName: 'l2-',
          namespace: 'metallb-system',
          labels: {
            'metallb.io/node': 'alpha',
            'metallb.io/service-name': 'web',
            'metallb.io/service-namespace': 'default',
          },
          ownerReferences: [owner],
        },
        status: { node: 'alpha', serviceName: 'web', serviceNamespace: 'default', interfaces: [{ name: 'eth0' }] },
      },
    ])
    assert.deepEqual([update, remove], [[], ['l2-b']])
  })

  test('leaves a report alone that is right', () => {
    assert.deepEqual(report(answers(['eth0']), l2Of('alpha', 'l2-a', ['eth0'])), NOTHING)
    assert.deepEqual(report(answers([]), l2Of('alpha', 'l2-a')), NOTHING)
  })

  test('updates other interfaces in place, and removes a second report of its own', () => {
    const { create, update, remove } = report(answers(['eth1']), l2Of('alpha', 'l2-a'), l2Of('alpha', 'l2-c'))
    assert.deepEqual([create, update.map(({ name }) => name), remove], [[], ['l2-a'], ['l2-c']])
  })

  test('completes a report whose writer died before its status', () => {
    const { status: _, ...unfinished } = l2Of('alpha', 'l2-a')
    const { update } = report(answers([]), unfinished)
    assert.deepEqual(
      update.map(({ name }) => name),
      ['l2-a'],
    )
  })
})

describe('who yields to another node', () => {
  const yields = (isOverdue: boolean): Layer2Standing => ({ kind: 'yields', isOverdue })

  test('leaves its report until the other one reports, and removes no other', () => {
    assert.deepEqual(report(yields(false), l2Of('alpha', 'l2-a')), NOTHING)
    const both = report(yields(false), l2Of('alpha', 'l2-a'), l2Of('bravo', 'l2-b'))
    assert.deepEqual(both, { ...NOTHING, remove: ['l2-a'] })
  })

  test('removes it where the other one takes too long', () => {
    assert.deepEqual(report(yields(true), l2Of('alpha', 'l2-a')), { ...NOTHING, remove: ['l2-a'] })
  })
})

test('of a Service that is withdrawn each removes its own report', () => {
  const observed = [l2Of('alpha', 'l2-a'), l2Of('bravo', 'l2-b')]
  assert.deepEqual(report({ kind: 'withdrawn' }, ...observed), { ...NOTHING, remove: ['l2-a'] })
})

describe('a conflict', () => {
  const claim: AddressConflict = {
    ip: '192.0.2.10',
    mac: '02:00:00:00:00:09',
    interface: 'eth0',
    reason: 'ForeignClaim',
  }
  const inUse: AddressConflict = { ...claim, reason: 'AddressInUse' }

  /** The report as it stands when the changes were made. */
  function after(before: ServiceL2Status | undefined, standing: Layer2Standing): ServiceL2Status {
    const { create, update } = report(standing, ...(before === undefined ? [] : [before]))
    const [made, change] = [create[0], update[0]]
    if (made !== undefined) return { ...made, metadata: { ...made.metadata, name: 'l2-a' } }
    assert.ok(before !== undefined && change !== undefined, 'nothing changes')
    const annotations = Object.entries({ ...before.metadata.annotations, ...change.annotations })
    const kept = annotations.filter((entry): entry is [string, string] => entry[1] !== null)
    const status = Object.entries({ ...before.status, ...change.status }).filter(([, value]) => value !== null)
    return {
      ...before,
      metadata: { ...before.metadata, annotations: Object.fromEntries(kept) },
      status: Object.fromEntries(status),
    }
  }

  test('with an address that is announced is a condition and an annotation, and said once', () => {
    const told = after(l2Of('alpha', 'l2-a', ['eth0']), answers(['eth0'], [claim]))
    assert.equal(isAnnounced(told), true)
    assert.deepEqual(told.status?.conditions, [
      {
        type: 'AddressConflict',
        status: 'True',
        reason: 'ForeignClaim',
        message:
          'station 02:00:00:00:00:09, seen on interface eth0 of node alpha, answers for 192.0.2.10 as well: take the address from that station, or out of the pool',
        lastTransitionTime: '2026-01-01T12:00:00Z',
      },
    ])
    assert.deepEqual(
      conflictsIn(told).map(({ address, reason }) => [address, reason]),
      [['192.0.2.10', 'ForeignClaim']],
    )
    assert.deepEqual(report(answers(['eth0'], [claim]), told), NOTHING)
  })

  test('that is over leaves no trace', () => {
    const told = after(undefined, answers(['eth0'], [claim]))
    const calm = after(told, answers(['eth0']))
    assert.deepEqual([calm.status?.conditions, calm.metadata.annotations], [[], {}])
    assert.deepEqual(report(answers(['eth0']), calm), NOTHING)
  })

  test('found by asking is reported by the node that would own the address: it names no node', () => {
    const told = after(undefined, { kind: 'prevented', conflicts: [inUse] })
    assert.equal(told.status?.node, undefined)
    assert.equal(told.metadata.labels?.['metallb.io/node'], 'alpha')
    assert.equal(isAnnounced(told), false)
    assert.deepEqual(
      conflictsIn(told).map(({ address, reason }) => [address, reason]),
      [['192.0.2.10', 'AddressInUse']],
    )
    assert.deepEqual(report({ kind: 'prevented', conflicts: [inUse] }, told), NOTHING)
    const announced = after(told, answers([]))
    assert.deepEqual([announced.status?.node, announced.metadata.annotations], ['alpha', {}])
  })

  test('of an address that was announced before takes the node out of the report', () => {
    const told = after(l2Of('alpha', 'l2-a', ['eth0']), { kind: 'prevented', conflicts: [inUse] })
    assert.deepEqual([told.status?.node, told.status?.interfaces], [undefined, []])
  })

  test('with one of two addresses names that one', () => {
    const told = after(undefined, answers([], [{ ...inUse, ip: '2001:db8::10' }]))
    assert.deepEqual(
      conflictsIn(told).map(({ address }) => address),
      ['2001:db8::10'],
    )
  })
})
