import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { BETWEEN_TRIMS_MS, HeapTrim, QUIET_MS, WORTH_A_TRIM } from './heap-trim.ts'

function trimmed() {
  const clock = new VirtualClock()
  const at: number[] = []
  const trim = new HeapTrim({ clock, collect: () => at.push(clock.now()) })
  const work = (count: number) => {
    for (let done = 0; done < count; done++) trim.worked()
  }
  return { clock, at, trim, work }
}

test('memory is given back once much was done and all is quiet, and not again', () => {
  const { clock, at, work } = trimmed()
  work(5 * WORTH_A_TRIM)
  clock.advance(10 * BETWEEN_TRIMS_MS)
  assert.equal(at.length, 1)
  assert.ok(at[0]! <= 2 * QUIET_MS)
})

test('a start that had little to read is worth a pause; later little work is not, until it adds up', () => {
  const { clock, at, work } = trimmed()
  work(1)
  clock.advance(10 * BETWEEN_TRIMS_MS)
  assert.deepEqual(at, [QUIET_MS])
  work(WORTH_A_TRIM - 1)
  clock.advance(10 * BETWEEN_TRIMS_MS)
  assert.equal(at.length, 1)
  work(1)
  clock.advance(QUIET_MS)
  assert.equal(at.length, 2)
})

test('nothing is held up while work goes on', () => {
  const { clock, at, work } = trimmed()
  work(WORTH_A_TRIM)
  for (let second = 0; second < 30; second++) {
    clock.advance(1_000)
    work(1)
  }
  assert.deepEqual(at, [])
  clock.advance(2 * QUIET_MS)
  assert.equal(at.length, 1)
})

test('between two pauses there is a minute, however much is done', () => {
  const { clock, at, work } = trimmed()
  for (let burst = 0; burst < 10; burst++) {
    work(WORTH_A_TRIM)
    clock.advance(10_000)
  }
  assert.equal(at.length, 2)
  assert.ok(at[1]! - at[0]! >= BETWEEN_TRIMS_MS)
})

test('one that was stopped does nothing more', () => {
  const { clock, at, trim, work } = trimmed()
  work(WORTH_A_TRIM)
  trim.stop()
  clock.advance(BETWEEN_TRIMS_MS)
  assert.deepEqual(at, [])
})
