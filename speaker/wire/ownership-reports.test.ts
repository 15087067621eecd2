import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../testkit/virtual-clock.ts'
import type { FromWire, OwnershipChange } from './messages.ts'
import { OwnershipReports } from './ownership-reports.ts'

const ELECTED = { kind: 'elected' } as const
const LOST = { kind: 'lost-election', owner: 'bravo' } as const

function change(ip: string, owned: boolean): OwnershipChange {
  return { key: `a/${ip}`, ip, owned, interfaces: owned ? ['eth0'] : [], reason: owned ? ELECTED : LOST }
}

function started() {
  const clock = new VirtualClock()
  const posted: FromWire[] = []
  return { clock, posted, reports: new OwnershipReports(clock, (message) => posted.push(message)) }
}

test('thousands of changes are one message; what changed twice is told once, as it is now', () => {
  const { clock, posted, reports } = started()
  for (let at = 0; at < 3000; at++) reports.add(change(`192.0.2.${at}`, true))
  reports.add(change('192.0.2.7', false))
  assert.equal(posted.length, 0)
  clock.advance(12)
  const [message, ...rest] = posted
  assert.deepEqual(rest, [])
  assert.ok(message?.kind === 'ownership')
  assert.equal(message.changes.length, 3000)
  assert.deepEqual(message.changes[7], change('192.0.2.7', false))
})

test('what comes while nothing is gathered waits for its own time; nothing is told twice', () => {
  const { clock, posted, reports } = started()
  reports.add(change('192.0.2.1', true))
  clock.advance(12)
  reports.add(change('192.0.2.2', true))
  clock.advance(9)
  assert.equal(posted.length, 1)
  clock.advance(100)
  assert.deepEqual(posted[1], { kind: 'ownership', changes: [change('192.0.2.2', true)] })
  assert.equal(posted.length, 2)
})

test('at the end what is gathered is told at once', () => {
  const { clock, posted, reports } = started()
  reports.add(change('192.0.2.1', true))
  reports.flush()
  clock.advance(100)
  assert.equal(posted.length, 1)
})
