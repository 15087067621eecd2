import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceBGPStatus, ServiceL2Status } from '../../crds/index.ts'
import { bgpReport, layer2Report } from './announcement-status.ts'

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'speaker-x', uid: '1' }
const reporter = { node: 'alpha', namespace: 'metallb-system', owner }
const service = { namespace: 'default', name: 'web' }

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

const NOTHING = { create: [], update: [], remove: [] }

test('a new announcer creates its report and removes those that others left', () => {
  const { create, update, remove } = layer2Report(reporter, service, ['eth0'], [l2Of('bravo', 'l2-b')])
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

test('a report that is right is left alone', () => {
  assert.deepEqual(layer2Report(reporter, service, ['eth0'], [l2Of('alpha', 'l2-a', ['eth0'])]), NOTHING)
  assert.deepEqual(layer2Report(reporter, service, [], [l2Of('alpha', 'l2-a')]), NOTHING)
})

test('other interfaces are updated in place, a second report of ours goes', () => {
  const observed = [l2Of('alpha', 'l2-a'), l2Of('alpha', 'l2-c')]
  const { create, update, remove } = layer2Report(reporter, service, ['eth1'], observed)
  assert.deepEqual([create, update.map(({ name }) => name), remove], [[], ['l2-a'], ['l2-c']])
})

test('who does not answer removes its own report and no other', () => {
  const observed = [l2Of('alpha', 'l2-a'), l2Of('bravo', 'l2-b')]
  assert.deepEqual(layer2Report(reporter, service, undefined, observed), { ...NOTHING, remove: ['l2-a'] })
})

test('a report whose writer died before its status is known by its label, and completed', () => {
  const { status: _, ...unfinished } = l2Of('alpha', 'l2-a')
  const { update } = layer2Report(reporter, service, [], [unfinished])
  assert.deepEqual(
    update.map(({ name }) => name),
    ['l2-a'],
  )
})

function bgpOf(node: string, name: string, peers: readonly string[]): ServiceBGPStatus {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'ServiceBGPStatus',
    metadata: { name },
    status: { node, serviceName: 'web', serviceNamespace: 'default', peers: [...peers] },
  }
}

test('over BGP each node has its report, with the peers sorted', () => {
  const { create, remove } = bgpReport(reporter, service, ['tor-b', 'tor-a'], [bgpOf('bravo', 'bgp-b', ['tor-a'])])
  assert.deepEqual(create[0]?.status?.peers, ['tor-a', 'tor-b'])
  assert.equal(create[0]?.metadata.generateName, 'bgp-')
  assert.deepEqual(remove, [])
})

test('over BGP the same peers in another order are no change, others are', () => {
  const observed = [bgpOf('alpha', 'bgp-a', ['tor-a', 'tor-b'])]
  assert.deepEqual(bgpReport(reporter, service, ['tor-b', 'tor-a'], observed), NOTHING)
  assert.equal(bgpReport(reporter, service, ['tor-b'], observed).update.length, 1)
  assert.deepEqual(bgpReport(reporter, service, undefined, observed).remove, ['bgp-a'])
})
