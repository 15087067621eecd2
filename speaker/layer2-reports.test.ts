import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ApiError, Store } from '../operator/index.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { BY_REPORTED_SERVICE, Layer2Reports, reportedServiceKeys, type StoredReport } from './layer2-reports.ts'

/** One node's reports, on an API server that only remembers. */
class Bench {
  readonly clock = new VirtualClock()
  /** What the informer shows. */
  readonly seen = new Store<StoredReport>({ [BY_REPORTED_SERVICE]: reportedServiceKeys })
  readonly calls: string[] = []
  readonly assigned: string[] = []
  interfaces: readonly string[] | undefined = []
  refuses: ApiError | undefined
  readonly reports: Layer2Reports
  #serial = 0

  constructor() {
    const answer = <T>(call: string, object: unknown): Promise<T> => {
      this.calls.push(call)
      return this.refuses === undefined ? Promise.resolve(object as T) : Promise.reject(this.refuses)
    }
    this.reports = new Layer2Reports({
      client: {
        create: (_, object) => {
          const name = `l2-${++this.#serial}`
          return answer(`create ${name}`, { ...object, metadata: { ...object.metadata, name }, status: undefined })
        },
        patch: (_, { name }, patch) => answer(`patch ${name} ${JSON.stringify(patch)}`, {}),
        delete: (_, { name }) => answer(`delete ${name}`, undefined),
      },
      reporter: () => Promise.resolve({ node: 'alpha', namespace: 'metallb-system', owner: undefined }),
      reports: this.seen,
      interfacesOf: () => this.interfaces,
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
    await this.reports.reconcile('default/web')
    return this.calls.splice(0)
  }
}

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
    bench.clock.advance(6_000)
    assert.deepEqual(await bench.reconcile(), ['create l2-2', `patch l2-2 ${STATUS}`])
  })

  test('the new owner removes what the dead one left', async () => {
    const bench = new Bench()
    bench.see('l2-old', 'bravo')
    assert.deepEqual(await bench.reconcile(), ['create l2-1', `patch l2-1 ${STATUS}`, 'delete l2-old'])
  })

  test('who ceases to answer removes its own report and no other', async () => {
    const bench = new Bench()
    bench.see('l2-mine', 'alpha')
    bench.see('l2-theirs', 'bravo')
    bench.interfaces = undefined
    assert.deepEqual(await bench.reconcile(), ['delete l2-mine'])
  })

  test('other interfaces are written, the same ones are not', async () => {
    const bench = new Bench()
    bench.see('l2-mine', 'alpha', ['eth0'])
    bench.interfaces = ['eth0']
    assert.deepEqual(await bench.reconcile(), [])
    bench.interfaces = ['eth0', 'eth1']
    const [call, ...more] = await bench.reconcile()
    assert.match(call ?? '', /^patch l2-mine .*"eth1"/)
    assert.deepEqual(more, [])
  })

  test('a report that is gone already is as good as removed', async () => {
    const bench = new Bench()
    bench.see('l2-mine', 'alpha')
    bench.interfaces = undefined
    bench.refuses = new ApiError('not-found', 'gone')
    assert.deepEqual(await bench.reconcile(), ['delete l2-mine'])
  })

  test('any other refusal reaches the retry', async () => {
    const bench = new Bench()
    bench.refuses = new ApiError('unavailable', 'no API server')
    await assert.rejects(bench.reconcile(), /no API server/)
  })
})
