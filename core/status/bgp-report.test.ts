import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceBGPStatus } from '../../crds/index.ts'
import { bgpReport } from './bgp-report.ts'

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'speaker-x', uid: '1' }
const reporter = { node: 'alpha', namespace: 'metallb-system', owner }
const service = { namespace: 'default', name: 'web' }
const NOTHING = { create: [], update: [], remove: [] }

function bgpOf(node: string, name: string, peers: readonly string[]): ServiceBGPStatus {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'ServiceBGPStatus',
    metadata: { name },
    status: { node, serviceName: 'web', serviceNamespace: 'default', peers: [...peers] },
  }
}

test('each node has its report, with the peers sorted', () => {
  const { create, remove } = bgpReport(reporter, service, ['tor-b', 'tor-a'], [bgpOf('bravo', 'bgp-b', ['tor-a'])])
  assert.deepEqual(create[0]?.status?.peers, ['tor-a', 'tor-b'])
  assert.equal(create[0]?.metadata.generateName, 'bgp-')
  assert.deepEqual(remove, [])
})

test('the same peers in another order are no change, others are', () => {
  const observed = [bgpOf('alpha', 'bgp-a', ['tor-a', 'tor-b'])]
  assert.deepEqual(bgpReport(reporter, service, ['tor-b', 'tor-a'], observed), NOTHING)
  assert.equal(bgpReport(reporter, service, ['tor-b'], observed).update.length, 1)
  assert.deepEqual(bgpReport(reporter, service, undefined, observed).remove, ['bgp-a'])
})
