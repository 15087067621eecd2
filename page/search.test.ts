import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceRow } from './model.ts'
import { customers, found, tally, workloads } from './search.ts'

const SERVICES: readonly ServiceRow[] = [
  {
    ...{ key: 'shop/web', standing: 'served', addresses: ['192.0.2.10'], pool: 'lan' },
    answers: [{ node: 'node-a', over: ['eth0'] }],
    conflicts: [{ node: 'node-a', sentence: 'station 02:00:00:00:00:01 answers as well' }],
  },
  {
    ...{ key: 'shop/api', standing: 'silent', addresses: ['192.0.2.11'], pool: 'lan' },
    reason: { code: 'noEndpoints', sentence: 'shop/api has no endpoint that can serve' },
  },
  {
    ...{ key: 'mail/smtp', standing: 'served', addresses: ['2001:db8::1'], pool: 'wan' },
    routes: [{ node: 'node-b', over: ['tor-a', 'tor-b'] }],
  },
  { key: 'mail/imap', standing: 'waiting', addresses: [], reason: { code: 'AllocationFailed', sentence: 'full' } },
]

const SEARCHES: readonly (readonly [text: string, keys: readonly string[]])[] = [
  ['', ['shop/web', 'shop/api', 'mail/smtp', 'mail/imap']],
  ['shop/', ['shop/web', 'shop/api']],
  ['192.0.2.11', ['shop/api']],
  ['NODE-A', ['shop/web']],
  ['eth0', ['shop/web']],
  ['tor-b', ['mail/smtp']],
  ['noendpoints', ['shop/api']],
  ['wan', ['mail/smtp']],
  ['mail waiting', ['mail/imap']],
  ['mail  nothing', []],
]

for (const [text, keys] of SEARCHES) {
  test(`found by ${JSON.stringify(text)}: ${keys.length}`, () => {
    assert.deepEqual(
      found(SERVICES, { text, standing: undefined }).map(({ key }) => key),
      keys,
    )
  })
}

test('of one standing, with and without words', () => {
  const keys = (text: string) => found(SERVICES, { text, standing: 'served' }).map(({ key }) => key)
  assert.deepEqual(keys(''), ['shop/web', 'mail/smtp'])
  assert.deepEqual(keys('mail'), ['mail/smtp'])
})

test('sums: by standing, by pool, by node', () => {
  assert.deepEqual(tally(SERVICES), { waiting: 1, silent: 1, doubtful: 0, leaving: 0, served: 2 })
  assert.deepEqual(
    [...customers(SERVICES)],
    [
      ['lan', 2],
      ['wan', 1],
    ],
  )
  assert.deepEqual(
    [...workloads(SERVICES)],
    [
      ['node-a', { answers: 1, routes: 0, conflicts: 1, links: ['eth0'] }],
      ['node-b', { answers: 0, routes: 1, conflicts: 0, links: [] }],
    ],
  )
})
