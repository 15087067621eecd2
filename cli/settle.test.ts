import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decide, requestOf } from '../core/allocate/index.ts'
import { compile } from '../core/config/index.ts'
import { property } from '../testkit/property.ts'
import { pool } from '../testkit/resources.ts'
import { clusterWith, serviceNamed } from './described-cluster.ts'
import { adoptedLedger, NOW_MS, settle } from './settle.ts'

/** Few addresses, so that Services clash often. */
const address = fc.constantFrom('192.0.2.0', '192.0.2.1', '192.0.2.2', '198.51.100.0', '203.0.113.9')
const anyService = fc
  .record({
    has: fc.option(address, { nil: undefined }),
    requested: fc.option(address, { nil: undefined }),
    inPool: fc.option(fc.constantFrom('p', 'q', 'absent'), { nil: undefined, freq: 5 }),
    key: fc.option(fc.constant('k'), { nil: undefined }),
    port: fc.constantFrom(80, 443),
  })
  .map(({ has, requested, inPool, key, port }) => {
    const annotations: Readonly<Record<string, string>> = {
      ...(requested && { 'metallb.io/loadBalancerIPs': requested }),
      ...(inPool && { 'metallb.io/address-pool': inPool }),
      ...(key && { 'metallb.io/allow-shared-ip': key }),
    }
    return { has: has === undefined ? [] : [has], annotations, port }
  })
const anyServices = fc
  .array(anyService, { maxLength: 8 })
  .map((list) => Object.fromEntries(list.map((words, index) => [`s${index}`, words])))
const anyPools = fc.subarray([
  pool('p', { addresses: ['192.0.2.0/31'] }),
  pool('q', { addresses: ['198.51.100.0/32'] }),
  pool('r', { addresses: ['192.0.2.2/32'], autoAssign: false }),
])

property(
  'once settled, nobody is decided otherwise, whatever the cluster',
  [anyPools, anyServices],
  (pools, services) => {
    const { snapshot } = compile(clusterWith(pools).resources)
    const requests = Object.entries(services).map(([name, words]) => requestOf(serviceNamed(name, words)))
    const ledger = adoptedLedger(snapshot, requests)
    const settled = settle(ledger, requests)
    assert.equal(settled.size, requests.length)
    for (const [key, { request, decision }] of settled) {
      const written = { ...request, statusAddresses: decision.addresses, allocatedFromPool: decision.pool }
      const again = decide(ledger, written, NOW_MS)
      assert.deepEqual([again.addresses, again.changed], [decision.addresses, false], key)
    }
  },
)

property('what is adopted and still allowed stays', [anyServices], (services) => {
  const { snapshot } = compile(clusterWith([pool('all', { addresses: ['192.0.2.0/24'] })]).resources)
  const requests = Object.entries(services).map(([name, { has, port }]) => requestOf(serviceNamed(name, { has, port })))
  const settled = settle(adoptedLedger(snapshot, requests), requests)
  const claimed = new Set<string>()
  for (const { key, statusAddresses } of requests) {
    const [had] = statusAddresses
    if (had === undefined || !had.startsWith('192.0.2.') || claimed.has(had)) continue
    claimed.add(had)
    assert.deepEqual(settled.get(key)?.decision.addresses, [had], key)
  }
})
