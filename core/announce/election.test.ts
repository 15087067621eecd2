import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Election } from './election.ts'

/** The order examples of the layer 2 specification, computed there from the rule and not by this program. */
const EXAMPLES = [
  ['192.0.2.10', 'alpha bravo charlie delta', 'charlie bravo delta alpha'],
  ['192.0.2.11', 'alpha bravo charlie delta', 'charlie bravo alpha delta'],
  ['192.0.2.12', 'alpha bravo charlie delta', 'bravo alpha delta charlie'],
  ['198.51.100.7', 'alpha bravo charlie delta', 'alpha bravo charlie delta'],
  ['2001:db8::10', 'alpha bravo charlie delta', 'charlie alpha bravo delta'],
  ['2001:db8:0:1::a', 'alpha bravo charlie delta', 'charlie alpha bravo delta'],
  ['192.0.2.10', 'alpha bravo', 'bravo alpha'],
] as const

for (const [ip, nodes, order] of EXAMPLES) {
  test(`${ip} over ${nodes}`, () => {
    assert.equal(new Election(nodes.split(' ')).orderFor(ip).join(' '), order)
  })
}

test('the order in which the nodes are known does not matter', () => {
  const order = new Election(['delta', 'bravo', 'alpha', 'charlie']).orderFor('192.0.2.10')
  assert.deepEqual(order, ['charlie', 'bravo', 'delta', 'alpha'])
})

test('ten addresses over four nodes are owned 3, 3, 2 and 2 times', () => {
  const election = new Election(['alpha', 'bravo', 'charlie', 'delta'])
  const owned = new Map<string, number>()
  for (let last = 0; last < 10; last++) {
    const owner = election.orderFor(`192.0.2.${last}`)[0]!
    owned.set(owner, (owned.get(owner) ?? 0) + 1)
  }
  assert.deepEqual([...owned.values()].sort(), [2, 2, 3, 3])
})

test('an address is hashed once, until it is pruned', () => {
  const election = new Election(['alpha', 'bravo'])
  const order = election.orderFor('192.0.2.10')
  assert.equal(election.orderFor('192.0.2.10'), order)
  election.prune((ip) => ip !== '192.0.2.10')
  assert.notEqual(election.orderFor('192.0.2.10'), order)
})
