import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileSelector, type LabelSelectorText, matches, matchesAny } from './selector.ts'

const MATCHING: readonly [LabelSelectorText, string, Record<string, string>, boolean][] = [
  [{}, '', {}, true],
  [{ matchLabels: { app: 'web' } }, 'app=web', { app: 'web', tier: 'db' }, true],
  [{ matchLabels: { app: 'web' } }, 'app=web', { app: 'db' }, false],
  [{ matchLabels: { app: '' } }, 'app=', { app: '' }, true],
  [{ matchLabels: { app: '' } }, 'app=', {}, false],
  [{ matchLabels: { b: '2', a: '1' } }, 'a=1,b=2', { a: '1', b: '2' }, true],
  [{ matchLabels: { b: '2', a: '1' } }, 'a=1,b=2', { a: '1' }, false],
  [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['2', '1'] }] }, 'a in (1,2)', { a: '2' }, true],
  [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['1'] }] }, 'a=1', { a: '1' }, true],
  [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, 'a!=1', { a: '1' }, false],
  [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, 'a!=1', {}, true],
  [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['2', '1'] }] }, 'a notin (1,2)', { a: '3' }, true],
  [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, 'a', { a: '' }, true],
  [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, 'a', {}, false],
  [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist', values: [] }] }, '!a', {}, true],
  [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, '!a', { a: 'x' }, false],
  // A label named like a property of every object is not there unless it is there.
  [{ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, 'constructor', {}, false],
]

for (const [text, canonical, labels, expected] of MATCHING) {
  test(`"${canonical}" ${expected ? 'selects' : 'does not select'} ${JSON.stringify(labels)}`, () => {
    const { selector, faults } = compileSelector(text)
    assert.deepEqual(faults, [])
    assert.equal(selector.text, canonical)
    assert.equal(matches(selector, labels), expected)
  })
}

const REFUSED: readonly [string, LabelSelectorText, string, string][] = [
  ['a bad key', { matchLabels: { 'a b': 'x' } }, 'selector-key-invalid', 'matchLabels[a b]'],
  ['an empty key', { matchLabels: { '': 'x' } }, 'selector-key-invalid', 'matchLabels[]'],
  ['a bad prefix', { matchLabels: { 'A!/b': 'x' } }, 'selector-key-invalid', 'matchLabels[A!/b]'],
  ['a bad value', { matchLabels: { a: 'x y' } }, 'selector-value-invalid', 'matchLabels[a]'],
  ['a long value', { matchLabels: { a: 'x'.repeat(64) } }, 'selector-value-invalid', 'matchLabels[a]'],
  [
    'an operator of another language',
    { matchExpressions: [{ key: 'a', operator: 'Equals', values: ['1'] }] },
    'selector-operator-unknown',
    'matchExpressions[0].operator',
  ],
  [
    'In without values',
    { matchExpressions: [{ key: 'a', operator: 'In' }] },
    'selector-values-missing',
    'matchExpressions[0].values',
  ],
  [
    'Exists with values',
    { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] },
    'selector-values-superfluous',
    'matchExpressions[0].values',
  ],
  [
    'a value twice',
    { matchExpressions: [{ key: 'a', operator: 'In', values: ['x', 'y', 'x'] }] },
    'selector-values-repeated',
    'matchExpressions[0].values[2]',
  ],
]

for (const [name, text, rule, path] of REFUSED) {
  test(`refused: ${name}`, () => {
    const { faults } = compileSelector(text)
    assert.deepEqual(
      faults.map((fault) => [fault.rule, fault.path]),
      [[rule, path]],
    )
  })
}

test('the canonical text does not depend on the order in the resource', () => {
  const one = compileSelector({ matchLabels: { a: '1', b: '2' }, matchExpressions: [{ key: 'c', operator: 'Exists' }] })
  const other = compileSelector({
    matchExpressions: [
      { key: 'c', operator: 'Exists' },
      { key: 'b', operator: 'In', values: ['2'] },
      { key: 'a', operator: 'In', values: ['1'] },
    ],
  })
  assert.deepEqual(one, other)
})

test('a list of selectors is OR, an empty list restricts nothing', () => {
  const web = compileSelector({ matchLabels: { app: 'web' } }).selector
  const database = compileSelector({ matchLabels: { app: 'db' } }).selector
  assert.equal(matchesAny([web, database], { app: 'db' }), true)
  assert.equal(matchesAny([web, database], { app: 'mail' }), false)
  assert.equal(matchesAny([], {}), true)
})
