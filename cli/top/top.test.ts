import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CannotRun } from '../cannot-run.ts'
import { UNPAINTED } from '../report.ts'
import { activityOf, type NodeActivity, type ToldActivity } from './activity.ts'
import { type Frame, frameOf, type Known } from './frame.ts'
import { Refreshes } from './refreshes.ts'
import { screenOf, sizeOf, streamOf } from './screen.ts'

const AT = '2026-01-01T00:00:00.000Z'

function told(requestsReceived: number, more: Partial<ToldActivity> = {}): ToldActivity {
  const counts = { requestsReceived, responsesSent: requestsReceived, gratuitousSent: 3 }
  return { node: 'node-a', addresses: [{ ip: '192.0.2.1', ...counts }], ignored: 0, sessions: [], ...more }
}

describe('what a speaker does a second', () => {
  const CASES: readonly [about: string, before: number | undefined, now: number, rate: number][] = [
    ['the first count says nothing yet', undefined, 100, 0],
    ['twenty in two seconds', 100, 120, 10],
    ['nothing', 100, 100, 0],
    ['a speaker that was started anew counts from nothing', 100, 4, 2],
  ]
  for (const [about, before, now, rate] of CASES) {
    test(about, () => {
      const earlier = before === undefined ? undefined : { told: told(before), readAtMs: 1_000 }
      const { addresses } = activityOf({ told: told(now), readAtMs: 3_000 }, earlier, AT)
      assert.deepEqual(addresses, [
        { address: '192.0.2.1', requestsPerSecond: rate, answersPerSecond: rate, announcementsPerSecond: 0 },
      ])
    })
  }

  test('an address that has just come', () => {
    const before = { told: told(0, { addresses: [], ignored: 10 }), readAtMs: 0 }
    const activity = activityOf({ told: told(6, { ignored: 30 }), readAtMs: 2_000 }, before, AT)
    assert.deepEqual([activity.addresses[0]?.requestsPerSecond, activity.ignoredPerSecond], [3, 10])
  })
})

function activity(
  node: string,
  rates: Readonly<Record<string, number>>,
  more: Partial<NodeActivity> = {},
): NodeActivity {
  const addresses = Object.entries(rates).map(([address, rate]) => {
    return { address, requestsPerSecond: rate, answersPerSecond: rate, announcementsPerSecond: 0 }
  })
  const sum = Object.values(rates).reduce((total, rate) => total + rate, 0)
  const totals = { addressCount: addresses.length, requestsPerSecond: sum, answersPerSecond: sum }
  return { node, at: AT, ...totals, addresses, ignoredPerSecond: 1.5, sessions: [], ...more }
}

const KNOWN: Known = {
  at: AT,
  speakers: new Map<string, NodeActivity | string>([
    ['node-b', activity('node-b', { '192.0.2.2': 40 }, { sessions: [{ peer: 'tor', state: 'Active' }] })],
    ['node-a', activity('node-a', { '192.0.2.1': 2 })],
    ['node-c', 'no answer'],
  ]),
  services: new Map([['192.0.2.2', ['default/web']]]),
  decisions: Array.from({ length: 12 }, (_, index) => {
    return {
      at: `2026-01-01T00:00:${10 + index}Z`,
      object: 'default/web',
      reason: 'nodeAssigned',
      message: `move ${index}`,
    }
  }),
  notes: [],
}

function frame(): Frame {
  return frameOf(KNOWN)
}

describe('a frame', () => {
  test('has the busiest address first, and the newest decision', () => {
    const { addresses, decisions, speakers } = frame()
    assert.deepEqual(
      addresses.map(({ address, services, nodes }) => [address, services, nodes]),
      [
        ['192.0.2.2', ['default/web'], ['node-b']],
        ['192.0.2.1', [], ['node-a']],
      ],
    )
    assert.deepEqual([decisions.length, decisions[0]?.message], [10, 'move 11'])
    assert.deepEqual(
      speakers.map(({ node, because, answersPerSecond }) => [node, because, answersPerSecond]),
      [
        ['node-a', undefined, 2],
        ['node-b', undefined, 40],
        ['node-c', 'no answer', 0],
      ],
    )
  })

  test('of an address that moves names both nodes', () => {
    const both = ['node-a', 'node-b'].map((node) => [node, activity(node, { '192.0.2.2': 1 })] as const)
    const { addresses } = frameOf({ ...KNOWN, speakers: new Map(both) })
    assert.deepEqual([addresses[0]?.nodes, addresses[0]?.answersPerSecond], [['node-a', 'node-b'], 2])
  })
})

describe('a screen', () => {
  for (const [rows, columns] of [
    [24, 80],
    [10, 40],
    [60, 200],
  ] as const) {
    test(`of ${rows} by ${columns} is not left`, () => {
      const lines = screenOf(frame(), { rows, columns }, UNPAINTED)
      assert.ok(lines.length <= rows, `${lines.length} lines`)
      assert.ok(lines.every((line) => line.length <= columns))
      assert.match(lines[0]!, /^2026-01-01T00:00:00\.000Z {2}2 addresses/)
    })
  }

  test('shows who does not answer, what session is down, and colours it', () => {
    const lines = screenOf(frame(), { rows: 40, columns: 120 }, (shade, text) => `<${shade}>${text}`)
    assert.ok(lines.some((line) => /^<bad>node-c .*no answer$/.test(line)))
    assert.ok(lines.some((line) => /^<bad>node-b .* 0\/1 +tor: Active$/.test(line)))
    assert.ok(
      lines.some((line) => /^node-a +1 +2\.0 +2\.0 +1\.5 +-$/.test(line)),
      lines.join('\n'),
    )
  })

  test('elsewhere everything is printed', () => {
    const text = streamOf({ ...frame(), notes: ['watch events: forbidden'] })
    assert.match(text, /^192\.0\.2\.2 +node-b +40 +40 +default\/web$/m)
    assert.match(text, /nodeAssigned: move 2\nwatch events: forbidden\n\n$/)
  })
})

describe('refreshes', () => {
  test('end after their number', async () => {
    let made = 0
    await new Refreshes('0.1', '3').each(() => {
      made += 1
    })
    assert.equal(made, 3)
  })

  test('end when they are ended', async () => {
    let made = 0
    const refreshes = new Refreshes('3600', '0')
    await refreshes.each(() => {
      made += 1
      refreshes.end()
    })
    assert.equal(made, 1)
  })

  for (const [interval, count] of [
    ['0', '1'],
    ['soon', '1'],
    ['1', '-1'],
    ['1', 'many'],
  ] as const) {
    test(`refuse --interval ${interval} --count ${count}`, () => {
      assert.throws(() => new Refreshes(interval, count), CannotRun)
    })
  }
})

test('a terminal that does not know its size is drawn on as one of 24 × 80', () => {
  assert.deepEqual(sizeOf({ rows: 0, columns: 0 }), { rows: 24, columns: 80 })
  assert.deepEqual(sizeOf({ rows: 50, columns: 132 }), { rows: 50, columns: 132 })
})
