import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ApiError, Store } from '../operator/index.ts'
import { RememberingClient } from '../testkit/remembering-client.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { BgpReports, type StoredBgpReport } from './bgp-reports.ts'
import { BY_REPORTED_SERVICE, reportedServiceKeys } from './reported-service.ts'

const KEY = 'default/web'

/** One node's reports. */
class Bench {
  readonly client = new RememberingClient('bgp-', ({ status }: { status?: { peers?: readonly string[] } }) => {
    return `${status?.peers}`
  })
  readonly seen = new Store<StoredBgpReport>({ [BY_REPORTED_SERVICE]: reportedServiceKeys })
  peers: readonly string[] | undefined = ['tor']
  readonly reports: BgpReports

  constructor() {
    const { calls } = this.client
    this.reports = new BgpReports({
      client: this.client,
      reporter: () => Promise.resolve({ node: 'alpha', namespace: 'metallb-system', owner: undefined }),
      reports: this.seen,
      peersOf: () => this.peers,
      onAssigned: () => calls.push('assigned'),
      onWithdrawn: () => calls.push('withdrawn'),
      clock: new VirtualClock(),
    })
  }

  async reconcile(): Promise<string[]> {
    await this.reports.reconcile(KEY)
    return this.client.calls.splice(0)
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
    bench.client.refuses = new ApiError('unavailable', 'no API server')
    await assert.rejects(bench.reconcile(), /no API server/)
  })
})
