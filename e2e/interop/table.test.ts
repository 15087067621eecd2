import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { interopTable } from './table.ts'

test('docs/interop.md has the scenarios that are run, and the reasons for those that are not', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'interop.md'), 'utf8')
  assert.ok(page.includes(interopTable()), 'put the output of `node e2e/interop/table.ts` there')
})
