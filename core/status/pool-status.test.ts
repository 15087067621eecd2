import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pool, resources } from '../../testkit/resources.ts'
import { Ledger } from '../allocate/index.ts'
import { compile } from '../config/index.ts'
import { poolCounters, poolStatusPatch } from './pool-status.ts'

function ledgerOf(addresses: readonly string[], avoidBuggyIPs = false): Ledger {
  const ledger = new Ledger()
  ledger.configure(compile(resources([pool('web', { addresses: [...addresses], avoidBuggyIPs })])).snapshot)
  return ledger
}

function hold(ledger: Ledger, key: string, ...addresses: readonly string[]): void {
  ledger.assign({ key, addresses, sharingKey: 'x', backendKey: '', ports: [`TCP/${key.length}`], isShown: true }, 0)
}

function countersOf(ledger: Ledger) {
  return poolCounters(ledger.pools.get('web')!)
}

test('a shared address counts once, its Services each', () => {
  const ledger = ledgerOf(['192.0.2.0/24', '2001:db8::/120'])
  hold(ledger, 'a', '192.0.2.1', '2001:db8::1')
  hold(ledger, 'bb', '192.0.2.1')
  const expected = {
    total: 512n,
    totalIPv4: 256n,
    totalIPv6: 256n,
    inUse: 2n,
    inUseIPv4: 1n,
    inUseIPv6: 1n,
    services: 2n,
  }
  assert.deepEqual(countersOf(ledger), expected)
})

const TOTALS: readonly [readonly string[], boolean, bigint, bigint][] = [
  [['192.0.2.0/24'], false, 256n, 0n],
  [['192.0.2.0/24'], true, 254n, 0n],
  [['192.0.2.254-192.0.3.1'], true, 2n, 0n],
  [['192.0.2.1-192.0.2.3'], true, 3n, 0n],
  [['0.0.0.0/8'], true, 16_646_144n, 0n],
  [['10.0.0.0/8', '2001:db8::/96'], false, 16_777_216n, 4_294_967_296n],
  [['2001:db8::/67'], false, 0n, 2n ** 61n],
  [['2001:db8::/66'], false, 0n, 2n ** 63n - 1n],
  [['2001:db8::/64', '2001:db8:1::/64'], false, 0n, 2n ** 63n - 1n],
  [['2001:db8::/67', '2001:db8:1::/67', '2001:db8:2::/67', '2001:db8:3::/67'], false, 0n, 2n ** 63n - 1n],
]

for (const [addresses, avoidBuggyIPs, totalIPv4, totalIPv6] of TOTALS) {
  test(`usable in ${addresses.join(', ')}${avoidBuggyIPs ? ' without .0 and .255' : ''}`, () => {
    const counters = countersOf(ledgerOf(addresses, avoidBuggyIPs))
    assert.deepEqual([counters.totalIPv4, counters.totalIPv6], [totalIPv4, totalIPv6])
  })
}

test('the status is written digit by digit, however large', () => {
  const ledger = ledgerOf(['2001:db8::/64'])
  hold(ledger, 'a', '2001:db8::1')
  const patch = poolStatusPatch(undefined, countersOf(ledger))
  const text = '{"status":{"assignedIPv4":0,"assignedIPv6":1,"availableIPv4":0,"availableIPv6":9223372036854775806}}'
  assert.equal(JSON.stringify(patch), text)
})

test('a status that is shown already, as JSON gives it back, is not written again', () => {
  const ledger = ledgerOf(['2001:db8::/64'])
  const shown = JSON.parse(JSON.stringify(poolStatusPatch(undefined, countersOf(ledger)))).status
  assert.equal(poolStatusPatch(shown, countersOf(ledger)), undefined)
  hold(ledger, 'a', '2001:db8::1')
  assert.notEqual(poolStatusPatch(shown, countersOf(ledger)), undefined)
})
