import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readCorpus } from './corpus.ts'
import { TARGETS } from './targets.ts'

for (const { name, run, seeds } of TARGETS) {
  describe(`${name}: what fuzzing found`, () => {
    test('the seeds are well-formed', () => {
      for (const seed of seeds) assert.match(run(seed), /^(decoded|reply|not-a-request|not-a-solicitation)$/)
    })
    for (const { target, bytes, outcome } of readCorpus()) {
      if (target === name) test(`${outcome}, ${bytes.length} bytes`, () => assert.equal(run(bytes), outcome))
    }
  })
}
