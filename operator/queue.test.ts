import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { property } from '../testkit/property.ts'
import { BULK_TURN, KeyQueue } from './queue.ts'

test('a key waits once, however often it is added', () => {
  const queue = new KeyQueue()
  assert.equal(queue.add('a', 1), true)
  assert.equal(queue.add('a', 2), false)
  assert.deepEqual(queue.take(), { key: 'a', addedAt: 1 })
  assert.equal(queue.take(), undefined)
})

test('a key that is worked on goes to nobody else, and waits again when added meanwhile', () => {
  const queue = new KeyQueue()
  queue.add('a', 1)
  queue.take()
  assert.equal(queue.add('a', 2), false)
  assert.equal(queue.depth, 1)
  assert.equal(queue.take(), undefined)
  assert.equal(queue.done('a'), true)
  assert.deepEqual(queue.take(), { key: 'a', addedAt: 2 })
  assert.equal(queue.done('a'), false)
})

test('live work goes first, bulk work gets its turn', () => {
  const queue = new KeyQueue()
  for (let i = 0; i < 100; i++) queue.add(`bulk${i}`, 0, 'bulk')
  for (let i = 0; i < 100; i++) queue.add(`live${i}`, 0, 'live')
  const first = Array.from({ length: BULK_TURN * 5 }, () => queue.take()!.key)
  assert.equal(first.filter((key) => key.startsWith('bulk')).length, 5)
  assert.equal(first[0], 'live0')
})

test('bulk work that becomes live moves over and keeps its age', () => {
  const queue = new KeyQueue()
  queue.add('other', 1, 'bulk')
  queue.add('a', 2, 'bulk')
  queue.add('a', 9, 'live')
  assert.deepEqual(queue.take(), { key: 'a', addedAt: 2 })
  assert.equal(queue.depth, 1)
})

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key: fc.integer({ min: 0, max: 4 }), isLive: fc.boolean() }),
  fc.record({ do: fc.constant('take' as const) }),
  fc.record({ do: fc.constant('done' as const), key: fc.integer({ min: 0, max: 4 }) }),
)
property(
  'in any order of adding, taking and finishing: nothing is lost and no key has two workers',
  [fc.array(step, { maxLength: 60 })],
  (steps) => {
    const queue = new KeyQueue()
    const working = new Set<string>()
    const owed = new Set<string>()
    for (const each of steps) {
      if (each.do === 'add') {
        queue.add(String(each.key), 0, each.isLive ? 'live' : 'bulk')
        owed.add(String(each.key))
      } else if (each.do === 'take') {
        const taken = queue.take()
        assert.equal(
          taken === undefined,
          [...owed].every((key) => working.has(key)),
        )
        if (taken === undefined) continue
        assert.equal(working.has(taken.key), false)
        working.add(taken.key)
        owed.delete(taken.key)
      } else if (working.delete(String(each.key))) queue.done(String(each.key))
      assert.equal(queue.depth, owed.size)
      assert.equal(queue.working, working.size)
    }
  },
)
