import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDurationMs } from './duration.ts'

const ROWS: readonly [string, number | undefined][] = [
  ['90s', 90_000],
  ['1m30s', 90_000],
  ['1h', 3_600_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['1.s', 1000],
  ['1500ms', 1500],
  ['1us', 0.001],
  ['1µs', 0.001],
  ['10ns', 0.00001],
  ['-3s', -3000],
  ['+3s', 3000],
  ['0', 0],
  ['0s', 0],
  ['', undefined],
  ['90', undefined],
  ['s', undefined],
  ['1d', undefined],
  ['1 m', undefined],
  ['1m 30s', undefined],
  ['90S', undefined],
  ['9223372036854775808h', undefined],
]

for (const [text, expected] of ROWS) {
  test(`"${text}" is ${expected === undefined ? 'not a duration' : `${expected} ms`}`, () => {
    assert.equal(parseDurationMs(text), expected)
  })
}
