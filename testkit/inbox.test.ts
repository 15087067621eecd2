import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Inbox } from './inbox.ts'

test('a wait ends with the first message that matches, and not with one from before', async () => {
  const inbox = new Inbox<number>('somebody')
  inbox.take(4)
  const even = inbox.next('an even number', (number) => number % 2 === 0)
  for (const number of [5, 6, 8]) inbox.take(number)
  assert.equal(await even, 6)
  assert.deepEqual(inbox.messages, [4, 5, 6, 8])
})

test('a wait that cannot end any more says what it was for, and what was heard instead', async () => {
  const inbox = new Inbox<number>('somebody')
  const even = inbox.next('an even number', (number) => number % 2 === 0)
  inbox.take(5)
  inbox.end('its process has ended')
  await assert.rejects(even, /waited for an even number of somebody: its process has ended; last heard: \[5\]/)
})

test('a wait has a limit', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const even = new Inbox<number>('somebody').next('an even number', (number) => number % 2 === 0)
  t.mock.timers.tick(25_000)
  await assert.rejects(even, /nothing within 25 s/)
})
