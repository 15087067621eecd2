import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silentLog } from '../runtime/log.ts'
import { BgpObserver, type BgpObserverOptions } from './bgp-observer.ts'
import type { ObservedPeer } from './wire/messages.ts'

const PEER: ObservedPeer = {
  ...{ name: 'tor', address: '192.0.2.1', port: 179, vrf: '', sinceMs: 0 },
  ...{ state: 'Idle', because: undefined, notice: undefined, session: undefined, bfd: undefined },
}

/** What is told while a peer goes through these. */
function told(...steps: readonly Partial<ObservedPeer>[]): string[] {
  const events: string[] = []
  const raise: BgpObserverOptions['raise'] = (_, peer, { type, reason, message }) =>
    events.push(`${peer} ${type} ${reason}: ${message}`)
  const observer = new BgpObserver({ node: 'alpha', raise, log: silentLog })
  for (const step of steps) observer.take({ kind: 'peer', peer: { ...PEER, ...step } })
  return events
}

const UP = 'tor Normal sessionUp: BGP session of node "alpha" with tor (192.0.2.1:179) is up'

function down(because: string): string {
  return `tor Warning sessionDown: BGP session of node "alpha" with tor (192.0.2.1:179) is down: ${because}`
}

describe('events on a BGPPeer', () => {
  const rows: [string, Partial<ObservedPeer>[], string[]][] = [
    [
      'the way up is no news but its end',
      [{ state: 'Connect' }, { state: 'OpenSent' }, { state: 'Established' }],
      [UP],
    ],
    ['a session that ends', [{ state: 'Established' }, { state: 'Active', because: 'EOF' }], [UP, down('EOF')]],
    [
      'attempts that fail alike are told once',
      [
        { because: 'refused' },
        { state: 'Connect', because: 'refused' },
        { because: 'refused' },
        { because: 'no answer' },
      ],
      [down('refused'), down('no answer')],
    ],
    [
      'what the user should mend is told once',
      [{ notice: 'set ebgpMultiHop' }, { notice: 'set ebgpMultiHop', state: 'Connect' }],
      ['tor Warning peerNotice: on node "alpha": set ebgpMultiHop'],
    ],
    [
      'IPv6 addresses stand in brackets',
      [{ address: '2001:db8::1', because: 'x' }],
      [down('x').replace('192.0.2.1', '[2001:db8::1]')],
    ],
    [
      'a peer not found yet goes by its name',
      [{ address: undefined, because: 'x' }],
      [down('x').replace(' (192.0.2.1:179)', '')],
    ],
    [
      'BFD alone is for the log',
      [{ bfd: { state: 'Up', because: undefined } }, { bfd: { state: 'Down', because: 'x' } }],
      [],
    ],
  ]
  for (const [what, steps, expected] of rows) test(what, () => assert.deepEqual(told(...steps), expected))
})

test('a peer that is gone is known no more', () => {
  const observer = new BgpObserver({ node: 'alpha', raise: () => undefined, log: silentLog })
  observer.take({ kind: 'peer', peer: PEER })
  assert.deepEqual([...observer.peers.keys()], ['tor'])
  observer.take({ kind: 'peer-gone', name: 'tor' })
  assert.equal(observer.peers.size, 0)
})

test('an advertisement that is passed over hears of it', () => {
  const told: unknown[] = []
  const raise: BgpObserverOptions['raise'] = (kind, name, { reason, message }) =>
    told.push([kind, name, reason, message])
  const observer = new BgpObserver({ node: 'alpha', raise, log: silentLog })
  const conflict = { prefix: '192.0.2.0/24', advertisement: 'low', localPreference: 50, winner: 'high', announced: 200 }
  observer.tellConflict(conflict)
  const text =
    'on node "alpha": local preference 50 is not announced for 192.0.2.0/24: ' +
    'BGPAdvertisement high asks for 200 for the same route; make them equal'
  assert.deepEqual(told, [['BGPAdvertisement', 'low', 'localPreferenceConflict', text]])
})
