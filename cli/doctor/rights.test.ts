import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { RIGHTS, rightsSource } from '../../build/rights.ts'

test('the rights that doctor asks for are those of deploy/invar.yaml: npm run generate', () => {
  assert.equal(readFileSync(RIGHTS, 'utf8'), rightsSource())
})
