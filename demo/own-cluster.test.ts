import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PARTS } from '../build/prepare.ts'
import { NEEDED } from './own-cluster.ts'

test('in a fresh clone the demo prepares all that is prepared anywhere, but what it does not use', () => {
  const left = Object.keys(PARTS).filter((name) => !NEEDED.some((needed) => needed === name))
  // The demo applies plain manifests, and its image is for the processor of this machine.
  assert.deepEqual(left, ['helm', 'foreign'])
})
