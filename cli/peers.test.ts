import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type PeerRow, type PeerSession, peerRow, peersReport, type ToldPeer, type Unanswered } from './peers.ts'
import { rendered, UNPAINTED } from './report.ts'

const SESSION: PeerSession = {
  ...{ kind: 'external', remoteAsn: 64_500, localIdentifier: '192.0.2.2', remoteIdentifier: '192.0.2.1' },
  ...{ localAddress: '192.0.2.2', holdTimeSeconds: 90, keepaliveTimeSeconds: 30, families: ['ipv4-unicast'] },
}
const TOLD: ToldPeer = {
  ...{ name: 'tor', address: '192.0.2.1', port: 179, vrf: '', state: 'Established', sinceMs: 1_767_225_600_123 },
  ...{ session: SESSION, routes: { announced: 10, wanted: 12 } },
}
const UP = peerRow('alpha', TOLD)
const DOWN: PeerRow = { ...UP, peer: 'spine', state: 'Active', because: 'the peer refused the connection' }
const SILENT: Unanswered = { node: 'bravo', because: 'no answer in 15000 ms' }

test('a row is the peer with its node, and a time that people can read', () => {
  const { name: _, sinceMs: __, ...rest } = TOLD
  assert.deepEqual(UP, { node: 'alpha', peer: 'tor', since: '2026-01-01T00:00:00Z', ...rest })
})

describe('peers', () => {
  const CASES: readonly [about: string, peers: PeerRow[], unanswered: Unanswered[], exitCode: number, text: RegExp][] =
    [
      ['up', [UP], [], 0, /^NODE .*\nalpha +tor +192\.0\.2\.1:179 +Established +2026-01-01T00:00:00Z +10\/12 +-\n$/],
      ['down: why, and no routes', [DOWN], [], 1, /spine .* Active +\S+ +- +- +the peer refused the connection\n$/],
      ['why it was down before is history', [{ ...UP, because: 'EOF' }], [], 0, /10\/12 +-\n$/],
      ['a notice', [{ ...UP, notice: 'set ebgpMultiHop' }], [], 0, /set ebgpMultiHop\n$/],
      ['BFD', [{ ...UP, bfd: { state: 'Up', because: 'was away' } }], [], 0, /10\/12 +Up\n$/],
      [
        'BFD down',
        [{ ...DOWN, bfd: { state: 'Down', because: 'silence' } }],
        [],
        1,
        /Down +the peer .*; BFD: silence\n$/,
      ],
      ['IPv6, in a VRF', [{ ...UP, address: '2001:db8::1', vrf: 'red' }], [], 0, / \[2001:db8::1\]:179 \(red\) /],
      ['not found yet', [{ ...DOWN, address: undefined! }], [], 1, /spine +- +Active/],
      ['none', [], [], 0, /^No node has a BGP peer\.\n$/],
      ['a speaker that does not answer', [UP], [SILENT], 1, /\nbravo did not answer: no answer in 15000 ms\n$/],
    ]
  for (const [about, peers, unanswered, exitCode, text] of CASES) {
    test(about, () => {
      const report = peersReport(peers, unanswered)
      assert.equal(report.exitCode, exitCode)
      assert.match(rendered(report, 'text', UNPAINTED), text)
      const value = JSON.parse(rendered(report, 'json', UNPAINTED))
      assert.deepEqual(value, JSON.parse(JSON.stringify({ peers, unanswered })))
    })
  }

  test('wide shows what the session agreed on', () => {
    const text = rendered(peersReport([UP, { ...DOWN, session: undefined! }], []), 'wide', UNPAINTED)
    assert.match(text, /SESSION +HOLD +FAMILIES +RESTART +BECAUSE\n/)
    assert.match(text, / external AS64500 +90s +ipv4-unicast +-\n/)
  })
})
