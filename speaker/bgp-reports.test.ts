import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ApiError, Store } from '../operator/index.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { BgpReports, type StoredBgpReport } from './bgp-reports.ts'
import { BY_REPORTED_SERVICE, reportedServiceKeys } from './reported-service.ts'

const KEY = 'default/web'

/** One node's reports, on an API server that only remembers. */
class Bench {
  readonly seen = new Store<StoredBgpReport>({ [BY_REPORTED_SERVICE]: reportedServiceKeys })
  readonly calls: string[] = []
  peers: readonly string[] | undefined = ['tor']
  refuses: ApiError | undefined
  readonly reports: BgpReports
  #serial = 0

  constructor() {
    const answer = <T>(call: string, object: unknown): Promise<T> => {
      this.calls.push(call)
      return this.refuses === undefined ? Promise.resolve(object as T) : Promise.reject(this.refuses)
    }
    this.reports = new BgpReports({
      client: {
        create: (_, object) => {
          const name = `bgp-${++this.#serial}`
          return answer(`create ${name}`, { ...object, metadata: { ...object.metadata, name }, status: undefined })
        },
        patch: (_, { name }, { status }: { status?: { peers?: readonly string[] } }) =>
          answer(`patch ${name} ${status?.peers}`, {}),
        delete: (_, { name }) => answer(`delete ${name}`, undefined),
      },
      reporter: () => Promise.resolve({ node: 'alpha', namespace: 'metallb-system', owner: undefined }),
      reports: this.seen,
      peersOf: () => this.peers,
      onAssigned: () => this.calls.push('assigned'),
      onWithdrawn: () => this.calls.push('withdrawn'),
      clock: new VirtualClock(),
    })
  }

  async reconcile(): Promise<string[]> {
    await this.reports.reconcile(KEY)
    return this.calls.splice(0)
  }
}

describe('ServiceBGPStatus', () => {
  test('who announces reports its peers once, follows them, and takes the report back', async () => {
    const bench = new Bench()
    assert.deepEqual(await bench.reconcile(), ['assigned', 'create bgp-1', 'patch bgp-1 tor'])
    assert.deepEqual(await bench.reconcile(), [])
    bench.peers = ['tor', 'spine']
    assert.deepEqual(await bench.reconcile(), ['patch bgp-1 spine,tor'])
    bench.peers = undefined
    assert.deepEqual(await bench.reconcile(), ['withdrawn', 'delete bgp-1'])
  })

  test('a report that is seen to come and to go comes back', async () => {
    const bench = new Bench()
    await bench.reconcile()
    bench.reports.removed(KEY, 'bgp-1')
    assert.deepEqual(await bench.reconcile(), ['assigned', 'create bgp-2', 'patch bgp-2 tor'])
  })

  test('a refusal reaches the retry', async () => {
    const bench = new Bench()
    bench.refuses = new ApiError('unavailable', 'no API server')
    await assert.rejects(bench.reconcile(), /no API server/)
  })
})
