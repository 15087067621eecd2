import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../runtime/clock.ts'
import { Progress } from './progress.ts'

test('silent for two seconds, then it says what was read, until it is stopped', () => {
  const timers: (() => void)[] = []
  const delays: number[] = []
  const clock: Clock = {
    now: () => 0,
    wall: () => 0,
    setTimeout: (callback, delayMs) => {
      delays.push(delayMs)
      timers.push(callback)
      return { timer: callback }
    },
    clearTimeout: ({ timer }) => timers.splice(timers.indexOf(timer as () => void), 1),
  }
  const said: string[] = []
  const progress = new Progress(clock, (line) => said.push(line), 'https://10.0.0.1')
  assert.deepEqual(said, [])
  timers.shift()!()
  progress.read('services', 1000)
  progress.read('nodes', 3)
  progress.read('services', 2000)
  timers.shift()!()
  progress.stop()
  assert.deepEqual(said, ['waiting for https://10.0.0.1 …', 'read so far: 2000 services, 3 nodes …'])
  assert.deepEqual(delays, [2000, 2000, 2000])
  assert.equal(timers.length, 0)
})
