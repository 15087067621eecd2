import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type NodeRow, nodeRow, nodesReport, type ToldNode } from './nodes.ts'
import { rendered, UNPAINTED } from './report.ts'

const TOLD: ToldNode = {
  ...{ node: 'alpha', ready: true, alive: ['bravo'], uplinks: [], faults: [], sessions: [] },
  interfaces: [
    { name: 'eth0', mac: '02:00:00:00:00:01', usable: true },
    { name: 'eth1', mac: '02:00:00:00:00:02', usable: false, because: 'no-carrier' },
  ],
  kernel: {
    links: [
      { name: 'all', rpFilter: 0, arpIgnore: 0, arpAnnounce: 0 },
      { name: 'eth0', rpFilter: 1, arpIgnore: 0, arpAnnounce: 0 },
    ],
    ...{ forwards: true, hasIpvs: true },
    ports: [{ purpose: 'BGP', protocol: 'tcp', port: 179, heldBy: 'others' }],
  },
}
const ROW: NodeRow = nodeRow(TOLD, '1.2.3')

test('a fault has a time that people can read', () => {
  const faults = [{ code: 'EADDRINUSE', message: 'heartbeats: bind', atMs: 1_767_225_600_000 }]
  assert.deepEqual(nodeRow({ ...TOLD, faults }, '1.2.3').faults, [
    { code: 'EADDRINUSE', message: 'heartbeats: bind', at: '2026-01-01T00:00:00.000Z' },
  ])
})

describe('nodes', () => {
  const CASES: readonly [about: string, rows: NodeRow[], unanswered: { node: string; because: string }[], RegExp][] = [
    ['well', [ROW], [], /^NODE .*\nalpha +yes +1\.2\.3 +eth0 +bravo +eth1: no-carrier\n$/],
    [
      'waiting',
      [{ ...ROW, ready: false, waitsFor: 'no key', interfaces: [] }],
      [],
      /alpha +no +1\.2\.3 +- +bravo +no key\n$/,
    ],
    [
      'an uplink',
      [{ ...ROW, uplinks: [{ interface: 'eth0', target: '192.0.2.1', reachable: false }] }],
      [],
      /192\.0\.2\.1 does not answer by eth0/,
    ],
    ['a fault', [{ ...ROW, faults: [{ code: 'x', message: 'bind', at: 'now' }] }], [], /; bind \(now\)\n$/],
    ['silence', [], [{ node: 'bravo', because: 'no answer' }], /^bravo did not answer: no answer\n$/],
  ]
  for (const [about, rows, unanswered, text] of CASES) {
    test(about, () => {
      const report = nodesReport(rows, unanswered)
      assert.match(rendered(report, 'text', UNPAINTED), text)
      assert.equal(report.exitCode, unanswered.length > 0 || rows.some(({ ready }) => !ready) ? 1 : 0)
    })
  }

  test('wide shows the kernel', () => {
    const text = rendered(nodesReport([ROW], []), 'wide', UNPAINTED)
    assert.match(text, /IPVS +RP-FILTER +PORTS +NOTE\nalpha .* yes +strict: eth0 +179\/tcp +eth1/)
  })
})
