import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { anchorsOf } from '../testkit/pages.ts'
import { REASONS_PAGE, reasonsPage, SECTIONS } from './reasons.ts'

test('docs/reasons.md is what the code says (node build/reasons.ts writes it)', () => {
  assert.equal(readFileSync(REASONS_PAGE, 'utf8'), reasonsPage())
})

test('every code has a meaning and a remedy, each a whole sentence', () => {
  for (const { title, where, reasons } of SECTIONS) {
    assert.match(where, /\.$/, title)
    assert.ok(reasons.length > 0, title)
    for (const { code, meaning, remedy } of reasons) {
      for (const text of [meaning, remedy]) assert.match(text, /^[A-Za-z`][^\n]+\.$/, `${title}, ${code}: ${text}`)
    }
  }
})

test('where a remedy points to another section or code of the page, that is there', () => {
  const page = reasonsPage()
  const headings = anchorsOf('docs/reasons.md')
  const targets = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target!)
  assert.ok(headings.size > 150 && targets.length > 30, `${headings.size} headings, ${targets.length} links`)
  assert.deepEqual(
    targets.filter((target) => !headings.has(target)),
    [],
  )
})
