import assert from 'node:assert/strict'
import { test } from 'node:test'
import { l2, pool } from '../testkit/resources.ts'
import { clusterWith } from './described-cluster.ts'
import { poolRows, poolsReport } from './pools.ts'
import { rendered, UNPAINTED } from './report.ts'

const STATE = clusterWith(
  [
    pool('web', { addresses: ['192.0.2.0/30', '198.51.100.0/31', '2001:db8::/64'] }),
    pool('hand', { addresses: ['203.0.113.0/24'], autoAssign: false, avoidBuggyIPs: true }),
    pool('team', { addresses: ['10.1.0.0/29'], serviceAllocation: { priority: 5, namespaces: ['team'] } }),
    pool('slip', { addresses: ['10.2.0.0/29', '10.3.0.1'] }),
    pool('spoilt', { addresses: ['nonsense'] }),
    l2('all', { ipAddressPools: ['web', 'hand', 'slip'] }),
  ],
  {
    a: { has: ['192.0.2.0'], annotations: { 'metallb.io/allow-shared-ip': 'k' } },
    b: { has: ['192.0.2.0'], annotations: { 'metallb.io/allow-shared-ip': 'k' }, port: 443 },
    c: { has: ['192.0.2.1', '2001:db8::1'], clusterIPs: ['10.96.0.1', 'fd00::1'], dualStack: 'RequireDualStack' },
    elsewhere: { has: ['172.16.0.1'] },
    waiting: {},
    held: { has: ['10.2.0.3'] },
  },
)

const NARROW = `\
NAME     ADDRESSES                         AUTO    IPV4    IPV6                    SERVICES   NOTE
hand     203.0.113.0/24                    false   0/254   -                       0
slip     10.2.0.0/29,10.3.0.1              true    1/8     -                       1          IPAddressPool slip, spec.addresses[1]: "10.3.0.1" is a bare address; write "10.3.0.1/32".
spoilt   nonsense                          true    -       -                       0          IPAddressPool spoilt, spec.addresses[0]: "nonsense" is neither a CIDR like "192.0.2.0/24" nor a range like "192.0.2.10-192.0.2.20".
team     10.1.0.0/29                       true    0/8     -                       0          Not announced: no L2Advertisement or BGPAdvertisement reaches it.
web      192.0.2.0/30,198.51.100.0/31 +1   true    2/6     1/9223372036854775807   3
`

test('every pool, counted from the statuses: a shared address once, what is in no pool nowhere', () => {
  assert.equal(rendered(poolsReport(poolRows(STATE)), 'text', UNPAINTED), NARROW)
})

test('wide shows every entry, priority and avoidBuggyIPs', () => {
  const wide = rendered(poolsReport(poolRows(STATE)), 'wide', UNPAINTED)
  assert.match(wide, /192\.0\.2\.0\/30,198\.51\.100\.0\/31,2001:db8::\/64/)
  assert.match(wide, /^team .* 5 +false/m)
  assert.match(wide, /^hand .* - +true/m)
})

test('JSON counts to the last digit', () => {
  const json = rendered(poolsReport(poolRows(STATE)), 'json', UNPAINTED)
  assert.match(json, /"total": 9223372036854775807\b/)
  const web = JSON.parse(json).pools.at(-1)
  assert.deepEqual(
    [web.name, web.ipv4, web.services, web.isInForce, web.notes],
    ['web', { inUse: 2, total: 6 }, 3, true, []],
  )
})

test('an address that others use is named, with who', () => {
  const because = 'station 02:00:00:00:00:09, seen on interface eth0 of node n1, answers for 192.0.2.3 as well'
  const conflicts = [{ address: '192.0.2.3', reason: 'ForeignClaim', because } as const]
  const web = poolRows({ ...STATE, conflicts }).at(-1)
  assert.deepEqual(web?.quarantined, ['192.0.2.3'])
  assert.deepEqual(web.notes, [`192.0.2.3 is given to nobody: ${because}.`])
})

test('YAML says the same', () => {
  assert.match(rendered(poolsReport(poolRows(STATE)), 'yaml', UNPAINTED), /^ {6}total: 9223372036854775807$/m)
})

test('no pools at all', () => {
  const report = poolsReport(poolRows(clusterWith([])))
  assert.equal(rendered(report, 'text', UNPAINTED), 'There is no IPAddressPool: no Service gets an address.\n')
  assert.equal(report.exitCode, 0)
})
