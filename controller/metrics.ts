/** The controller's metrics: MetalLB's names, and what is needed to see whether it keeps up. */
import type { Ledger } from '../core/allocate/index.ts'
import { type PoolCounters, poolCounters } from '../core/status/index.ts'
import type { Reconciled } from '../operator/index.ts'
import { LATENCY_BUCKETS_SECONDS, type Metrics } from '../runtime/metrics.ts'

/** Gauges of pools by suffix of their name: what each says, and the counter that it shows. */
const POOL_GAUGES = {
  addresses_total: ['Usable addresses of the pool', 'total'],
  ipv4_addresses_total: ['Usable IPv4 addresses of the pool', 'totalIPv4'],
  ipv6_addresses_total: ['Usable IPv6 addresses of the pool', 'totalIPv6'],
  addresses_in_use_total: ['Distinct addresses of the pool in use', 'inUse'],
  ipv4_addresses_in_use_total: ['Distinct IPv4 addresses of the pool in use', 'inUseIPv4'],
  ipv6_addresses_in_use_total: ['Distinct IPv6 addresses of the pool in use', 'inUseIPv6'],
  services_allocated_total: ['Services that hold an address of the pool', 'services'],
} as const satisfies Record<string, readonly [string, keyof PoolCounters]>

export interface ControllerMetricsSource {
  readonly ledger: Ledger
  /** Services that wait to be looked at. */
  readonly depth: number
  /** Deleted Services that wait for speakers. */
  readonly departing: number
  readonly isLeader: boolean
}

/** Registers what is read at each scrape. */
export function exposeController(metrics: Metrics, source: () => ControllerMetricsSource): void {
  for (const [suffix, [help, counter]] of Object.entries(POOL_GAUGES)) {
    metrics.gauge(`metallb_allocator_${suffix}`, help, ['pool'], (gauge) => {
      // Anew each time, so that the series of a pool vanish with it.
      gauge.reset()
      for (const [pool, occupancy] of source().ledger.pools)
        gauge.set({ pool }, Number(poolCounters(occupancy)[counter]))
    })
  }
  metrics.gauge(
    'invar_controller_quarantined_addresses',
    'Addresses of the pool that somebody outside uses: given to no further Service',
    ['pool'],
    (gauge) => {
      gauge.reset()
      const { ledger } = source()
      for (const { address } of ledger.quarantines()) {
        const pool = ledger.poolOf(address)?.pool.name
        if (pool !== undefined) gauge.inc({ pool })
      }
    },
  )
  metrics.gauge('invar_controller_departing_services', 'Deleted Services that wait for speakers', [], (gauge) =>
    gauge.set(source().departing),
  )
  metrics.gauge('invar_controller_queue_depth', 'Services that wait to be looked at', [], (gauge) =>
    gauge.set(source().depth),
  )
  metrics.gauge('invar_controller_leader', '1 while this replica gives out addresses', [], (gauge) =>
    gauge.set(source().isLeader ? 1 : 0),
  )
}

/** Observes reconciles: how long a Service waited, and how long it took with its write. */
export function reconcileObserver(metrics: Metrics): (result: Reconciled) => void {
  const waited = metrics.histogram(
    'invar_reconcile_queue_seconds',
    'Time from a change to the beginning of its reconcile',
    LATENCY_BUCKETS_SECONDS,
  )
  const worked = metrics.histogram(
    'invar_reconcile_duration_seconds',
    'Time of a reconcile, its writes included',
    LATENCY_BUCKETS_SECONDS,
    ['outcome'],
  )
  return ({ outcome, waitedMs, workedMs }) => {
    waited.observe(waitedMs / 1_000)
    worked.observe({ outcome: outcome.kind }, workedMs / 1_000)
  }
}
