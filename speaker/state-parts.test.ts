import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readParts, serializePart, statePartsOf } from './state-parts.ts'
import type { ToWire } from './wire/messages.ts'

const services = Array.from({ length: 600 }, (_, index) => ({ key: `default/${index}`, layer2: [], routes: [] }))
const MESSAGES: readonly ToWire[] = [
  { kind: 'membership', membership: undefined },
  { kind: 'desired', complete: true, services: services.slice(0, 1) },
  { kind: 'peers', desired: { peers: [], listenPort: 179, isDraining: false } },
  { kind: 'routes', complete: true, services },
]

test('Services come a few at a time, and are together again when read', () => {
  const parts = [...statePartsOf('alpha', MESSAGES)]
  assert.deepEqual(
    parts.map((part) => (part.kind === 'services' ? [part.message, part.services.length] : part.kind)),
    ['outline', [1, 1], [3, 250], [3, 250], [3, 100]],
  )
  assert.deepEqual(readParts(Buffer.concat(parts.map(serializePart))), { node: 'alpha', messages: MESSAGES })
})

test('what changes while it is written is not in it', () => {
  const changing = [...services]
  const parts = statePartsOf('alpha', [{ kind: 'routes', complete: true, services: [...changing] }])
  const written = [serializePart(parts.next().value!)]
  changing.length = 0
  written.push(...[...parts].map(serializePart))
  assert.equal((readParts(Buffer.concat(written)).messages[0] as unknown as { services: [] }).services.length, 600)
})
