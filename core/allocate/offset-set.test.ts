import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { property } from '../../testkit/property.ts'
import { OffsetSet } from './offset-set.ts'

/** Near word and level boundaries, where the mistakes would be, and far out. */
const offset = fc.oneof(
  fc.nat(70),
  fc.integer({ min: 1000, max: 1100 }),
  fc.integer({ min: 2 ** 21 - 40, max: 2 ** 21 + 40 }),
  fc.integer({ min: 2 ** 53 - 80, max: 2 ** 53 - 2 }),
)
const step = fc.record({ adds: fc.boolean(), offset })

property('finds the same gaps as a plain Set that is walked', [fc.array(step, { maxLength: 300 })], (steps) => {
  const set = new OffsetSet()
  const plain = new Set<number>()
  for (const { adds, offset: at } of steps) {
    if (adds) set.add(at)
    else set.delete(at)
    if (adds) plain.add(at)
    else plain.delete(at)
    assert.equal(set.has(at), plain.has(at))
    for (const from of [0, Math.max(0, at - 33), at]) {
      let expected = from
      while (plain.has(expected)) expected++
      assert.equal(set.lowestAbsent(from), expected)
    }
  }
})

test('a full run of 100,000 is jumped over, and each gap in it is found', () => {
  const set = new OffsetSet()
  for (let at = 0; at < 100_000; at++) set.add(at)
  assert.equal(set.lowestAbsent(), 100_000)
  for (const gap of [99_999, 65_536, 1024, 1023, 32, 31, 0]) {
    set.delete(gap)
    assert.equal(set.lowestAbsent(), gap)
  }
  assert.equal(set.lowestAbsent(33), 1023)
})

test('what was never in it can be deleted', () => {
  const set = new OffsetSet()
  set.delete(5)
  set.delete(2 ** 40)
  assert.equal(set.lowestAbsent(), 0)
})
