import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Layer2Decision } from '../core/announce/index.ts'
import { createLog } from '../runtime/log.ts'
import { Layer2Observer } from './layer2-observer.ts'
import type { FromWire, OwnershipReason } from './wire/messages.ts'

const KEY = 'default/web'
const IP = '192.0.2.10'
const MAC = '02:00:00:00:00:09'

const ANNOUNCED: Layer2Decision = {
  kind: 'announce',
  pool: 'web',
  ips: [IP],
  candidates: ['alpha', 'bravo'],
  interfacesOf: new Map([['alpha', ['eth7']]]),
  excluded: [],
}
const SILENT: Layer2Decision = { kind: 'silent', because: 'noEndpoints', detail: 'no endpoint', excluded: [] }

/** Node alpha's observer, and all that it has others do. */
class Bench {
  readonly told: string[] = []
  readonly reports: string[] = []
  readonly logged: string[] = []
  decision: Layer2Decision | undefined = ANNOUNCED
  reporters: readonly string[] = []
  readonly observer: Layer2Observer

  constructor() {
    this.observer = new Layer2Observer({
      node: 'alpha',
      decisionOn: () => this.decision,
      reportersOf: () => this.reporters,
      raise: (key, { type, reason, message, topic }) =>
        this.told.push(`${type} ${key} ${reason} [${topic}] ${message}`),
      forget: (key, topic) => this.told.push(`forget ${key} [${topic}]`),
      log: createLog({ level: 'info', wall: () => 0, write: (line) => this.logged.push(line) }),
    })
    const later = { addAfter: (key: string, delayMs: number) => void this.reports.push(`${key} in ${delayMs} ms`) }
    this.observer.tell({ add: (key) => void this.reports.push(key) }, later)
    this.observer.take({ kind: 'members', alive: ['bravo'] })
  }

  owns(owned: boolean, reason: OwnershipReason): void {
    const interfaces = owned ? ['eth7'] : []
    this.observer.take({ kind: 'ownership', changes: [{ key: KEY, ip: IP, owned, interfaces, reason }] })
  }

  conflict(phase: 'announcing' | 'probing'): void {
    this.observer.take({ kind: 'conflict', ip: IP, interface: 'eth7', mac: MAC, phase })
  }

  /** What was raised and forgotten since the last call. */
  said(): string[] {
    return this.told.splice(0)
  }
}

describe('how this node stands to a Service', () => {
  const CASES: readonly [about: string, owned: boolean, reason: OwnershipReason, kind: string][] = [
    ['it owns the address', true, { kind: 'elected' }, 'answers'],
    ['it still answers, for its successor', true, { kind: 'handing-over', to: 'bravo' }, 'yields'],
    ['another one owns it', false, { kind: 'lost-election', owner: 'bravo' }, 'yields'],
    ['it is still asking the network', false, { kind: 'probing' }, 'yields'],
    ['it has no interface', false, { kind: 'no-usable-interface', wanted: ['eth7'] }, 'yields'],
  ]
  for (const [about, owned, reason, kind] of CASES) {
    test(`${about}: ${kind}`, () => {
      const bench = new Bench()
      bench.owns(owned, reason)
      assert.equal(bench.observer.situationOf(KEY).kind, kind)
    })
  }

  test('the address was found in use: prevented', () => {
    const bench = new Bench()
    bench.owns(false, { kind: 'address-in-use', mac: MAC, interface: 'eth7' })
    bench.conflict('probing')
    const conflict = { ip: IP, mac: MAC, interface: 'eth7', reason: 'AddressInUse' }
    assert.deepEqual(bench.observer.situationOf(KEY), { kind: 'prevented', conflicts: [conflict] })
  })

  test('nobody may announce it, or it is gone: withdrawn', () => {
    const bench = new Bench()
    bench.owns(true, { kind: 'elected' })
    bench.decision = SILENT
    assert.deepEqual(bench.observer.situationOf(KEY), { kind: 'withdrawn' })
    bench.decision = undefined
    assert.deepEqual(bench.observer.situationOf(KEY), { kind: 'withdrawn' })
  })

  test('who comes before this node, and lives, is preferred', () => {
    const bench = new Bench()
    bench.decision = { ...ANNOUNCED, candidates: ['charlie', 'bravo', 'alpha', 'delta'] }
    const preferred = ['alpha', 'bravo', 'charlie', 'delta', 'zulu'].filter((node) =>
      bench.observer.isPreferred(KEY, node),
    )
    assert.deepEqual(preferred, ['bravo'])
  })

  test('where this node is no candidate any more, each that is and lives is preferred', () => {
    const bench = new Bench()
    bench.decision = { ...ANNOUNCED, candidates: ['bravo', 'delta'] }
    const preferred = ['alpha', 'bravo', 'delta'].filter((node) => bench.observer.isPreferred(KEY, node))
    assert.deepEqual(preferred, ['bravo'])
  })
})

describe('a conflict', () => {
  test('is told to the Service once, is reported and counted, and can be over', () => {
    const bench = new Bench()
    bench.owns(true, { kind: 'elected' })
    bench.said()
    bench.conflict('announcing')
    assert.deepEqual(bench.said(), [
      `Warning ${KEY} addressConflict [conflict ${IP}] station ${MAC}, seen on interface eth7 of node alpha, answers for ${IP} as well: take the address from that station, or out of the pool`,
    ])
    assert.equal(bench.reports.at(-1), KEY)
    assert.deepEqual(bench.observer.observed.conflicts.seen, { ForeignClaim: 1, AddressInUse: 0 })
    bench.observer.take({ kind: 'conflict-over', ip: IP })
    bench.observer.take({ kind: 'conflict-over', ip: IP })
    assert.deepEqual(bench.said(), [`forget ${KEY} [conflict ${IP}]`])
    assert.deepEqual([...bench.observer.observed.conflicts.values()], [])
  })

  test('of an address that no Service wants any more concerns nobody', () => {
    const bench = new Bench()
    bench.owns(true, { kind: 'elected' })
    bench.observer.gone(KEY)
    bench.said()
    bench.conflict('announcing')
    assert.deepEqual(bench.said(), [])
  })
})

describe('that nobody answers', () => {
  test('for lack of an interface is told by the first of the candidates that live: which addresses, nodes, interfaces', () => {
    const bench = new Bench()
    bench.owns(false, { kind: 'no-usable-interface', wanted: ['eth7'] })
    assert.deepEqual(bench.reports.splice(0), [KEY, `${KEY} in 5000 ms`])
    bench.said()
    bench.observer.tellSilence(KEY)
    assert.deepEqual(bench.said(), [
      `Warning ${KEY} announceFailed [layer2] ${IP} cannot be announced: no usable interface on node "alpha" (eth7), node "bravo" (any interface)`,
    ])
  })

  const NOT_TOLD: readonly [about: string, arrange: (bench: Bench) => void][] = [
    [
      'another candidate that lives comes first',
      (bench) => (bench.decision = { ...ANNOUNCED, candidates: ['bravo', 'alpha'] }),
    ],
    ['another node that lives answers', (bench) => (bench.reporters = ['bravo'])],
    ['the interface is back', (bench) => bench.owns(true, { kind: 'elected' })],
    ['the Service is gone', (bench) => (bench.decision = undefined)],
  ]
  for (const [about, arrange] of NOT_TOLD) {
    test(`is not told where ${about}`, () => {
      const bench = new Bench()
      bench.owns(false, { kind: 'no-usable-interface', wanted: ['eth7'] })
      arrange(bench)
      bench.said()
      bench.observer.tellSilence(KEY)
      assert.deepEqual(bench.said(), [])
    })
  }

  test('is told where a report is left of a node that is dead', () => {
    const bench = new Bench()
    bench.reporters = ['charlie']
    bench.owns(false, { kind: 'no-usable-interface', wanted: ['eth7'] })
    bench.said()
    bench.observer.tellSilence(KEY)
    assert.equal(bench.said().length, 1)
  })

  test('as nobody may is told with the code', () => {
    const bench = new Bench()
    bench.decision = SILENT
    bench.observer.decided(KEY, SILENT)
    bench.observer.tellSilence(KEY)
    assert.deepEqual(bench.said(), [`Warning ${KEY} notAnnounced [layer2] not announced (noEndpoints): no endpoint`])
  })

  test('is forgotten when this node answers, so that the next time is told again', () => {
    const bench = new Bench()
    bench.observer.assigned(KEY)
    assert.deepEqual(bench.said(), [
      `Normal ${KEY} nodeAssigned [layer2 assignment] announcing from node "alpha" with protocol "layer2"`,
      `forget ${KEY} [layer2]`,
    ])
  })
})

test('what was announced from the last known state and is no more is forgotten', () => {
  const bench = new Bench()
  bench.owns(true, { kind: 'elected' })
  bench.observer.keepOnly(() => false)
  assert.deepEqual([...bench.observer.ownership.keys()], [])
  assert.equal(bench.reports.at(-1), KEY)
})

test('an observation that is not about layer 2 changes nothing', () => {
  const bench = new Bench()
  bench.observer.take({ kind: 'pong', id: 1 } satisfies FromWire)
  assert.deepEqual([bench.said(), bench.reports], [[], []])
})

describe('changes of ownership in the log', () => {
  const logged = (count: number) => {
    const bench = new Bench()
    bench.logged.splice(0)
    const reason = { kind: 'lost-election', owner: 'bravo' } as const
    const ips = Array.from({ length: count }, (_, at) => `192.0.2.${at}`)
    const changes = ips.map((ip) => ({ key: `a/${ip}`, ip, owned: false, interfaces: [], reason }))
    bench.observer.take({ kind: 'ownership', changes })
    return bench.logged.map((line) => JSON.parse(line) as { msg: string; reasons?: object })
  }

  test('a few have a line each', () => {
    assert.deepEqual(
      logged(2).map(({ msg }) => msg),
      ['not answering for 192.0.2.0', 'not answering for 192.0.2.1'],
    )
  })

  test('many are counted in one line', () => {
    const [line, ...rest] = logged(3000)
    assert.deepEqual(rest, [])
    assert.equal(line!.msg, 'answering for 0 and not for 3000 of 3000 addresses')
    assert.deepEqual(line!.reasons, { 'lost-election': 3000 })
  })
})
