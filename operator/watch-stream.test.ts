import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { property } from '../testkit/property.ts'
import { type WatchEvent, WatchParser } from './watch-stream.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

const OBJECT = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', resourceVersion: '7' } }
const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`
const BOOKMARK = { kind: 'Node', metadata: { resourceVersion: '9' } }

/** What the server may send, and what it means. */
const LINES: readonly [string, string, object][] = [
  ['an object that came', line('ADDED', OBJECT), { kind: 'added', object: OBJECT }],
  ['an object that changed', line('MODIFIED', OBJECT), { kind: 'modified', object: OBJECT }],
  ['an object that went', line('DELETED', OBJECT), { kind: 'deleted', object: OBJECT }],
  ['a bookmark', line('BOOKMARK', BOOKMARK), { kind: 'bookmark', resourceVersion: '9' }],
]

for (const [name, bytes, event] of LINES) {
  test(`${name} is read`, () => assert.deepEqual(new WatchParser().push(encode(bytes)), [event]))
}

/** What no API server should send, or sends when it gives up. */
const FAILURES: readonly [string, string, string][] = [
  ['410 by code', line('ERROR', { kind: 'Status', code: 410, message: 'too old' }), 'gone'],
  ['410 by reason', line('ERROR', { kind: 'Status', reason: 'Expired' }), 'gone'],
  ['an internal error', line('ERROR', { kind: 'Status', code: 500 }), 'unavailable'],
  ['an error that says nothing', line('ERROR', {}), 'unavailable'],
  ['half a document', '{"type":"ADDED",\n', 'malformed'],
  ['no document', 'hello\n', 'malformed'],
  ['null', 'null\n', 'malformed'],
  ['an array', '[1]\n', 'malformed'],
  ['no object', '{"type":"ADDED"}\n', 'malformed'],
  ['an unknown type', line('RENAMED', OBJECT), 'malformed'],
  ['an object without a name', line('ADDED', { metadata: { resourceVersion: '7' } }), 'malformed'],
  ['an object without a version', line('ADDED', { metadata: { name: 'n1' } }), 'malformed'],
  ['a bookmark without a version', line('BOOKMARK', { metadata: {} }), 'malformed'],
]

for (const [name, bytes, kind] of FAILURES) {
  test(`${name} ends the watch as ${kind}, and what follows is ignored`, () => {
    const parser = new WatchParser()
    const events = parser.push(encode(bytes + line('ADDED', OBJECT)))
    assert.deepEqual(
      events.map((event) => (event.kind === 'error' ? event.error.kind : event.kind)),
      [kind],
    )
    assert.deepEqual(parser.push(encode(line('ADDED', OBJECT))), [])
  })
}

test('an event longer than the limit is refused before it is held', () => {
  const parser = new WatchParser(100)
  assert.deepEqual(parser.push(encode('x'.repeat(100))), [])
  const [event] = parser.push(encode('x'))
  assert.equal(event?.kind === 'error' && event.error.kind, 'malformed')
})

const STREAM =
  LINES.map(([, bytes]) => bytes).join('') + line('ADDED', { metadata: { name: 'größe-名', resourceVersion: '1' } })
const STREAM_BYTES = encode(STREAM)
const STREAM_EVENTS = new WatchParser().push(STREAM_BYTES)

property(
  'however the bytes are cut, the events are the same',
  [fc.uniqueArray(fc.integer({ min: 0, max: STREAM_BYTES.length }), { maxLength: 20 })],
  (places) => {
    const parser = new WatchParser()
    const events: WatchEvent[] = []
    let from = 0
    for (const to of [...places.sort((a, b) => a - b), STREAM_BYTES.length]) {
      events.push(...parser.push(STREAM_BYTES.subarray(from, to)))
      from = to
    }
    assert.deepEqual(events, STREAM_EVENTS)
    assert.equal(parser.pendingBytes, 0)
  },
)

test('one byte at a time, the events are the same', () => {
  const parser = new WatchParser()
  assert.equal(STREAM_EVENTS.length, 5)
  assert.deepEqual(
    [...STREAM_BYTES].flatMap((byte) => parser.push(Uint8Array.of(byte))),
    STREAM_EVENTS,
  )
})
