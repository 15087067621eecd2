import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress, parseRange, type Range, RangeIndex } from './index.ts'

const INDEX = new RangeIndex(
  ['192.0.2.8-192.0.2.9', '192.0.2.0-192.0.2.3', '2001:db8::-2001:db8::f', '192.0.2.4-192.0.2.4'].map(
    (text) => [parseRange(text) as Range, text] as const,
  ),
)

const FOUND: readonly (readonly [address: string, range: string | undefined])[] = [
  ['192.0.2.0', '192.0.2.0-192.0.2.3'],
  ['192.0.2.3', '192.0.2.0-192.0.2.3'],
  ['192.0.2.4', '192.0.2.4-192.0.2.4'],
  ['192.0.2.5', undefined],
  ['192.0.2.9', '192.0.2.8-192.0.2.9'],
  ['192.0.2.10', undefined],
  ['0.0.0.0', undefined],
  ['2001:db8::f', '2001:db8::-2001:db8::f'],
  ['2001:db8::10', undefined],
  ['::192.0.2.1', undefined],
]

for (const [address, range] of FOUND) {
  test(`${address} lies in ${range ?? 'none'}`, () => assert.equal(INDEX.find(parseAddress(address)!), range))
}

test('an index of nothing finds nothing', () => {
  assert.equal(new RangeIndex([]).find(parseAddress('192.0.2.1')!), undefined)
})
