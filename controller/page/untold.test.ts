import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DECISIONS_KEPT } from './decisions.ts'
import { SECTIONS, Untold } from './untold.ts'

const many = (count: number) => Array.from({ length: count }, (_, index) => `default/s${index}`)

test('everything is told first, in portions, and then nothing', () => {
  const untold = new Untold(many(240))
  const portions = []
  for (let portion = untold.take(0); portion !== undefined; portion = untold.take(0)) portions.push(portion)
  assert.deepEqual(
    portions.map(({ isFirst, isComplete, services, sections }) => [
      isFirst,
      isComplete,
      services.length,
      sections.size,
    ]),
    [
      [true, false, 100, SECTIONS.length],
      [false, false, 100, 0],
      [false, true, 40, 0],
    ],
  )
  assert.equal(new Set(portions.flatMap(({ services }) => services)).size, 240)
})

test('a cluster without Services is told, too', () => {
  const untold = new Untold([])
  assert.deepEqual([untold.take(0)?.isComplete, untold.take(0)], [true, undefined])
})

test('what changes a thousand times while a reader is slow is told once', () => {
  const untold = new Untold([])
  untold.take(0)
  for (let i = 0; i < 1_000; i++) {
    untold.service('default/web')
    untold.section('pools')
  }
  const portion = untold.take(0)
  assert.deepEqual(portion?.services, ['default/web'])
  assert.deepEqual([...(portion?.sections ?? [])], ['pools'])
  assert.equal(untold.take(0), undefined)
})

test('gone and come again: the last of both is told', () => {
  const untold = new Untold(['a/web', 'b/web'])
  untold.gone('a/web')
  untold.gone('b/web')
  untold.service('b/web')
  const portion = untold.take(0)
  assert.deepEqual([portion?.services, portion?.gone], [['b/web'], ['a/web']])
})

test('decisions: those since the last portion, and never more than are kept', () => {
  const untold = new Untold([])
  assert.equal(untold.take(7)?.decisionsAfter, 0)
  untold.decision()
  assert.equal(untold.take(9)?.decisionsAfter, 7)
  untold.decision()
  assert.equal(untold.take(9 + 3 * DECISIONS_KEPT)?.decisionsAfter, 9 + 2 * DECISIONS_KEPT)
})
