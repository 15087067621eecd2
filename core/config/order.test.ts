import assert from 'node:assert/strict'
import fc from 'fast-check'
import { property } from '../../testkit/property.ts'
import { aged, bfd, bgp, community, l2, peer, pool, resources } from '../../testkit/resources.ts'
import { compile } from './compile.ts'
import type { ConfigResource } from './resources.ts'

const days = fc.nat({ max: 3 })
const octet = fc.nat({ max: 6 })

/** Few names and few addresses, so that objects clash often. */
const entry = fc.oneof(
  octet.map((n) => `10.0.${n}.0/24`),
  octet.map((n) => `10.0.${n}.128/25`),
  fc.tuple(octet, octet).map(([a, b]) => `10.0.${a}.1-10.0.${b}.9`),
  fc.constantFrom('2001:db8::/64', '10.0.0.1', 'x'),
)
const anyPool = fc
  .tuple(fc.constantFrom('p', 'q', 'r', 's'), fc.array(entry, { minLength: 1, maxLength: 3 }), days)
  .map(([name, addresses, day]) => pool(name, { addresses }, aged(day)))
const names = fc.array(fc.constantFrom('p', 'q', 'r'), { maxLength: 2 })
const anyL2 = fc.tuple(fc.constantFrom('l', 'm'), names).map(([name, list]) => l2(name, { ipAddressPools: list }))
const anyBgp = fc
  .record({
    name: fc.constantFrom('b', 'c', 'd'),
    day: days,
    localPref: fc.nat({ max: 2 }),
    communities: fc.array(fc.constantFrom('1:2', 'one', 'two', '1:65536'), { maxLength: 2 }),
    aggregationLength: fc.constantFrom(24, 32),
  })
  .map(({ name, day, ...spec }) => bgp(name, spec, aged(day)))
const anyPeer = fc
  .record({
    name: fc.constantFrom('x', 'y', 'z'),
    day: days,
    peerAddress: fc.constantFrom('198.51.100.1', '198.51.100.2'),
    bfdProfile: fc.constantFrom('', 'fast', 'echo'),
  })
  .map(({ name, day, ...spec }) => peer(name, spec, aged(day)))
const anyProfile = fc
  .tuple(fc.constantFrom('fast', 'echo'), fc.boolean())
  .map(([name, echoMode]) => bfd(name, { echoMode }))
const anyCommunity = fc
  .tuple(fc.constantFrom('c', 'd'), fc.constantFrom('one', 'two'), fc.constantFrom('1:3', 'large:1:2:3', 'x'), days)
  .map(([name, alias, value, day]) => community(name, { [alias]: value }, aged(day)))

const key = (object: ConfigResource) => `${object.kind} ${object.metadata.name}`
const anyObjects = fc.uniqueArray(fc.oneof(anyPool, anyL2, anyBgp, anyPeer, anyProfile, anyCommunity), {
  selector: key,
  maxLength: 12,
})
/** The same objects in two orders. */
const twoOrders = anyObjects.chain((objects) =>
  fc.tuple(fc.constant(objects), fc.shuffledSubarray(objects, { minLength: objects.length })),
)

property('the order of resources makes no difference', [twoOrders], ([objects, shuffled]) => {
  assert.deepEqual(compile(resources(shuffled)), compile(resources(objects)))
})

property('compiling again on top of the result changes nothing', [anyObjects], (objects) => {
  const once = compile(resources(objects))
  const again = compile(resources(structuredClone(objects)), once.snapshot)
  assert.equal(again.snapshot, once.snapshot)
  assert.deepEqual(again.problems, once.problems)
})

property('pools in force overlap nowhere, and what is not in force has a problem', [anyObjects], (objects) => {
  const { snapshot, problems } = compile(resources(objects))
  const ranges = [...snapshot.pools.values()]
    .filter((one) => one.suspended === undefined)
    .flatMap((one) => one.entries.map(({ range }) => range))
    .sort((a, b) => a.family - b.family || (a.first < b.first ? -1 : 1))
  for (const [index, range] of ranges.entries()) {
    const next = ranges[index + 1]
    assert.ok(next === undefined || next.family !== range.family || range.last < next.first)
  }
  for (const object of objects.filter(({ kind }) => kind === 'IPAddressPool')) {
    const name = object.metadata.name!
    const blocked = problems.some((one) => one.object.name === name && one.severity !== 'notice')
    const pool = snapshot.pools.get(name)
    assert.equal(pool === undefined || pool.suspended !== undefined, blocked)
  }
})
