import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventObject } from '../../operator/index.ts'
import { Sessions, sessionEvent } from './sessions.ts'

function event(reason: string, minute: number, host = 'node-a'): EventObject {
  const time = `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`
  return {
    metadata: { name: `tor.${minute}`, namespace: 'metallb-system' },
    involvedObject: { apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer', name: 'tor' },
    ...{ reason, message: `BGP session: ${reason}`, lastTimestamp: time, source: { host } },
  }
}

test('the newest word counts, in whatever order events come', () => {
  const sessions = new Sessions()
  assert.equal(sessions.take(sessionEvent(event('sessionUp', 5))!), true)
  assert.equal(sessions.take(sessionEvent(event('sessionDown', 3))!), false)
  assert.equal(sessions.of('node-a', 'tor')?.isUp, true)
  assert.equal(sessions.take(sessionEvent(event('sessionDown', 7))!), true)
  assert.deepEqual(sessions.of('node-a', 'tor')?.sentence, 'BGP session: sessionDown')
})

test('each node has its own; what is no session, or says no node, is nothing', () => {
  const sessions = new Sessions()
  sessions.take(sessionEvent(event('sessionUp', 5, 'node-b'))!)
  assert.equal(sessions.of('node-a', 'tor'), undefined)
  assert.equal(sessionEvent(event('peerNotice', 5)), undefined)
  assert.equal(sessionEvent(event('constructor', 5)), undefined)
  assert.equal(sessionEvent(event('sessionUp', 5, '')), undefined)
})

test('nodes and peers that are no more are forgotten', () => {
  const sessions = new Sessions()
  sessions.take(sessionEvent(event('sessionUp', 5))!)
  sessions.keep(new Set(['node-a']), new Set(['tor']))
  assert.ok(sessions.of('node-a', 'tor'))
  sessions.keep(new Set(['node-a']), new Set())
  assert.equal(sessions.of('node-a', 'tor'), undefined)
})
