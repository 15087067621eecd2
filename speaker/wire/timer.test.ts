import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from '../../runtime/clock.ts'
import { MachineTimer } from './timer.ts'

/** Whose loop counts whole milliseconds, as libuv's does, and whose time need not be whole. */
class LoopClock implements Clock {
  #now: number
  #waiting: { readonly callback: () => void; readonly tick: number } | undefined

  constructor(now: number) {
    this.#now = now
  }

  now = (): number => this.#now

  wall = (): number => this.#now

  setTimeout(callback: () => void, delayMs: number): { timer: unknown } {
    this.#waiting = { callback, tick: Math.floor(this.#now) + Math.max(1, Math.trunc(delayMs)) }
    return { timer: this.#waiting }
  }

  clearTimeout(): void {
    this.#waiting = undefined
  }

  /** When the timer rings that is set; undefined = none is. */
  ring(): number | undefined {
    if (this.#waiting === undefined) return undefined
    const { callback, tick } = this.#waiting
    this.#waiting = undefined
    this.#now = tick
    callback()
    return tick
  }
}

describe('the timer of a machine', () => {
  for (const [now, at] of [
    [100.9, 150.4],
    [100, 150],
    [100.2, 100.3],
    [7.99, 8],
  ] as const) {
    test(`set at ${now} for ${at} rings once: not before, and at most two milliseconds after`, () => {
      const clock = new LoopClock(now)
      const rung: number[] = []
      const timer = new MachineTimer(clock, () => rung.push(clock.now()))
      timer.arm(at)
      clock.ring()
      assert.equal(clock.ring(), undefined)
      assert.equal(rung.length, 1)
      assert.ok(rung[0]! >= at && rung[0]! <= at + 2, `it rang at ${rung[0]}`)
    })
  }

  test('that is overdue rings in the next turn of the loop', () => {
    const clock = new LoopClock(100)
    const timer = new MachineTimer(clock, () => undefined)
    timer.arm(90)
    assert.equal(clock.ring(), 101)
  })
})
