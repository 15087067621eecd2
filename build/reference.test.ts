import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { referencePages } from './reference.ts'

test('the tables of fields, flags and values are what the code says (npm run generate writes them)', () => {
  const pages = referencePages()
  for (const [page, text] of pages)
    assert.equal(readFileSync(join(import.meta.dirname, '..', page), 'utf8'), text, page)
  const flags = pages.get('docs/flags.md') ?? ''
  assert.match(flags, /\| `--ml-bindport` \| `METALLB_ML_BIND_PORT` \| `7946` \|/)
  assert.match(pages.get('docs/values.md') ?? '', /\| `speaker\.stickyAddresses` \| `true` \|/)
  assert.match(pages.get('docs/resources/bfdprofile.md') ?? '', /`spec\.detectMultiplier` \| integer .* 2 to 255\./)
})
