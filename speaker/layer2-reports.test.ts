import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ApiError, type Outcome, Store } from '../operator/index.ts'
import { RememberingClient } from '../testkit/remembering-client.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { Layer2Reports, type Situation, type StoredReport } from './layer2-reports.ts'
import { BY_REPORTED_SERVICE, reportedServiceKeys } from './reported-service.ts'

/** One node's reports. */
class Bench {
  readonly client = new RememberingClient('l2-')
  readonly clock = new VirtualClock()
  /** What the informer shows. */
  readonly seen = new Store<StoredReport>({ [BY_REPORTED_SERVICE]: reportedServiceKeys })
  readonly assigned: string[] = []
  situation: Situation = answersOn()
  preferred: string | undefined
  outcome: Outcome | undefined
  readonly reports: Layer2Reports

  constructor() {
    this.reports = new Layer2Reports({
      client: this.client,
      reporter: () => Promise.resolve({ node: 'alpha', namespace: 'metallb-system', owner: undefined }),
      reports: this.seen,
      situationOf: () => this.situation,
      isPreferred: (_, node) => node === this.preferred,
      onAssigned: (key) => this.assigned.push(key),
      clock: this.clock,
    })
  }

  see(name: string, node: string, interfaces: readonly string[] = []): void {
    const status = { node, serviceName: 'web', serviceNamespace: 'default' }
    const report = {
      metadata: { name, namespace: 'metallb-system' },
      status: { ...status, interfaces: interfaces.map((each) => ({ name: each })) },
    }
    this.seen.set(`metallb-system/${name}`, report as unknown as StoredReport)
  }

  async reconcile(): Promise<string[]> {
    this.outcome = await this.reports.reconcile('default/web')
    return this.client.calls.splice(0)
  }
}

function answersOn(...interfaces: readonly string[]): Situation {
  return { kind: 'answers', interfaces, conflicts: [] }
}

const YIELDS: Situation = { kind: 'yields' }

const STATUS = '{"status":{"node":"alpha","serviceName":"web","serviceNamespace":"default","interfaces":[]}}'

describe('ServiceL2Status', () => {
  test('who begins to answer reports it, once, and says so in an event', async () => {
    const bench = new Bench()
    assert.deepEqual(await bench.reconcile(), ['create l2-1', `patch l2-1 ${STATUS}`])
    assert.deepEqual(bench.assigned, ['default/web'])
  })

  test('what the informer does not show yet is not created again', async () => {
    const bench = new Bench()
    await bench.reconcile()
    assert.deepEqual(await bench.reconcile(), [])
    bench.see('l2-1', 'alpha')
    bench.clock.advance(60_000)
    assert.deepEqual(await bench.reconcile(), [])
  })

  test('a report that somebody deleted before it was seen comes back in a while', async () => {
    const bench = new Bench()
    await bench.reconcile()
    const because = 'the report that was created has not been seen yet'
    assert.deepEqual(bench.outcome, { kind: 'retry', because, afterMs: 5_000 })
    bench.clock.advance(5_000)
    assert.deepEqual(await bench.reconcile(), ['create l2-2', `patch l2-2 ${STATUS}`])
  })

  test('a report that is seen to come and to go in one turn comes back at once', async () => {
    const bench = new Bench()
    await bench.reconcile()
    bench.reports.removed('default/web', 'l2-another')
    assert.deepEqual(await bench.reconcile(), [])
    bench.reports.removed('default/web', 'l2-1')
    assert.deepEqual(await bench.reconcile(), ['create l2-2', `patch l2-2 ${STATUS}`])
  })

  test('the new owner removes what the dead one left', async () => {
    const bench = new Bench()
    bench.see('l2-old', 'bravo')
    assert.deepEqual(await bench.reconcile(), ['create l2-1', `patch l2-1 ${STATUS}`, 'delete l2-old'])
  })

  test('who ceases to answer leaves its report to the successor, for a while', async () => {
    const bench = new Bench()
    bench.see('l2-mine', 'alpha')
    bench.situation = YIELDS
    assert.deepEqual(await bench.reconcile(), [])
    assert.deepEqual(bench.outcome, { kind: 'retry', because: 'another node is to report', afterMs: 5_000 })
    bench.clock.advance(5_000)
    assert.deepEqual(await bench.reconcile(), ['delete l2-mine'])
  })

  test('once the successor reports, who ceased to answer removes its own and no other', async () => {
    const bench = new Bench()
    bench.see('l2-mine', 'alpha')
    bench.see('l2-theirs', 'bravo')
    bench.situation = YIELDS
    assert.deepEqual(await bench.reconcile(), ['delete l2-mine'])
  })

  test('a Service that is withdrawn has no report at once', async () => {
    const bench = new Bench()
    bench.see('l2-mine', 'alpha')
    bench.situation = { kind: 'withdrawn' }
    assert.deepEqual(await bench.reconcile(), ['delete l2-mine'])
  })

  test('the report of a living node that is to keep the address is not fought over', async () => {
    const bench = new Bench()
    bench.see('l2-theirs', 'bravo')
    bench.preferred = 'bravo'
    assert.deepEqual(await bench.reconcile(), [])
    bench.situation = YIELDS
    assert.deepEqual(await bench.reconcile(), [])
    assert.deepEqual([bench.outcome, bench.assigned], [{ kind: 'done' }, []])
  })

  test('a node that is to keep the address and does not take it in a second is replaced', async () => {
    const bench = new Bench()
    bench.see('l2-theirs', 'bravo')
    bench.preferred = 'bravo'
    assert.deepEqual(await bench.reconcile(), [])
    bench.clock.advance(1_000)
    assert.deepEqual(await bench.reconcile(), ['create l2-1', `patch l2-1 ${STATUS}`, 'delete l2-theirs'])
  })

  test('other interfaces are written, the same ones are not', async () => {
    const bench = new Bench()
    bench.see('l2-mine', 'alpha', ['eth0'])
    bench.situation = answersOn('eth0')
    assert.deepEqual(await bench.reconcile(), [])
    bench.situation = answersOn('eth0', 'eth1')
    const [call, ...more] = await bench.reconcile()
    assert.match(call ?? '', /^patch l2-mine .*"eth1"/)
    assert.deepEqual(more, [])
    assert.deepEqual(bench.assigned, [], 'it answered before')
  })

  test('a conflict is written into status and annotation', async () => {
    const bench = new Bench()
    bench.see('l2-mine', 'alpha')
    const conflict = { ip: '192.0.2.10', mac: '02:00:00:00:00:09', interface: 'eth0', reason: 'ForeignClaim' } as const
    bench.situation = { kind: 'answers', interfaces: [], conflicts: [conflict] }
    const [status, annotation, ...more] = await bench.reconcile()
    assert.match(status ?? '', /^patch l2-mine .*"conditions":\[\{"type":"AddressConflict"/)
    assert.equal(annotation, 'patch l2-mine {"metadata":{"annotations":{"invar.dev/conflict":"192.0.2.10"}}}')
    assert.deepEqual(more, [])
  })

  test('a report that is gone already is as good as removed', async () => {
    const bench = new Bench()
    bench.see('l2-mine', 'alpha')
    bench.situation = { kind: 'withdrawn' }
    bench.client.refuses = new ApiError('not-found', 'gone')
    assert.deepEqual(await bench.reconcile(), ['delete l2-mine'])
  })

  test('any other refusal reaches the retry', async () => {
    const bench = new Bench()
    bench.client.refuses = new ApiError('unavailable', 'no API server')
    await assert.rejects(bench.reconcile(), /no API server/)
  })
})
