import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AggregatePreferences } from './aggregate-preferences.ts'
import type { DesiredRoute } from './wire/messages.ts'

function route(advertisement: string, localPreference: number | undefined, more: Partial<DesiredRoute> = {}) {
  const attributes = { communities: [], largeCommunities: [], peers: undefined }
  return { prefix: '192.0.2.0/24', advertisement, localPreference, ...attributes, ...more }
}

const LOW = route('low', 50)
const HIGH = route('high', 200)

/** What is told when Services get these routes, one after the other. */
function told(...services: readonly (readonly DesiredRoute[])[]): string[] {
  const preferences = new AggregatePreferences()
  const conflicts = services.flatMap((routes) => preferences.change([], routes))
  return conflicts.map(
    (one) => `${one.prefix}: ${one.advertisement} ${one.localPreference} < ${one.winner} ${one.announced}`,
  )
}

const CASES: readonly [about: string, services: (readonly DesiredRoute[])[], expected: string[]][] = [
  ['two Services of one aggregate', [[LOW], [HIGH]], ['192.0.2.0/24: low 50 < high 200']],
  ['it is told once', [[LOW], [HIGH], [LOW], [HIGH]], ['192.0.2.0/24: low 50 < high 200']],
  ['equal preferences', [[LOW], [route('other', 50)]], []],
  ['none is the default', [[route('none', undefined)], [route('same', 100)]], []],
  ['the default loses against more', [[route('none', undefined)], [HIGH]], ['192.0.2.0/24: none 100 < high 200']],
  ['other peers', [[{ ...LOW, peers: ['a'] }], [{ ...HIGH, peers: ['b'] }]], []],
  [
    'a common peer',
    [[{ ...LOW, peers: ['a', 'b'] }], [{ ...HIGH, peers: ['b'] }]],
    ['192.0.2.0/24: low 50 < high 200'],
  ],
  ['other aggregates', [[LOW], [{ ...HIGH, prefix: '198.51.100.0/24' }]], []],
  ['a host route is nobody else’s', [[{ ...LOW, prefix: '192.0.2.1/32' }], [{ ...HIGH, prefix: '192.0.2.1/32' }]], []],
]
for (const [about, services, expected] of CASES) test(about, () => assert.deepEqual(told(...services), expected))

test('a conflict that is over and comes back is told again', () => {
  const preferences = new AggregatePreferences()
  preferences.change([], [LOW])
  assert.equal(preferences.change([], [HIGH]).length, 1)
  assert.deepEqual(preferences.change([HIGH], []), [])
  assert.equal(preferences.change([], [HIGH]).length, 1)
})
