import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SCHEMA_RULES } from '../../crds/index.ts'
import { RULES } from './rules.ts'

const read = (pattern: string) =>
  globSync(pattern, { cwd: import.meta.dirname })
    .filter((name) => !/rules(\.test)?\.ts$/.test(name))
    .map((name) => ({ name, text: readFileSync(join(import.meta.dirname, name), 'utf8') }))
const files = read('*.ts')
const sources = files.filter(({ name }) => !name.endsWith('.test.ts'))
const tests = [...files.filter(({ name }) => name.endsWith('.test.ts')), ...read('../../crds/*.test.ts')]

test('every rule is explained in one sentence, applied somewhere and tested somewhere', () => {
  for (const [rule, explanation] of Object.entries(RULES)) {
    assert.match(rule, /^[a-z0-9]+(-[a-z0-9]+)+$/)
    assert.match(explanation, /^[A-Za-z][^\n]+\.$/)
    const isOurs = !Object.hasOwn(SCHEMA_RULES, rule)
    if (isOurs)
      assert.ok(
        sources.some(({ text }) => text.includes(`'${rule}'`)),
        `nothing applies ${rule}`,
      )
    assert.ok(
      tests.some(({ text }) => text.includes(rule)),
      `nothing tests ${rule}`,
    )
  }
})
