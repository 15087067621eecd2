/** The controller's metrics: MetalLB's names, and what is needed to see whether it keeps up. */
import type { Ledger } from '../core/allocate/index.ts'
import { poolCounters } from '../core/status/index.ts'
import type { ObservedRequest, Reconciled } from '../operator/index.ts'
import { LATENCY_BUCKETS_SECONDS, Metrics } from '../runtime/metrics.ts'

/** Gauges of pools, by suffix of their name, with the counter that each shows. */
const POOL_GAUGES = {
  addresses_total: ['usable addresses', 'total'],
  ipv4_addresses_total: ['usable IPv4 addresses', 'totalIPv4'],
  ipv6_addresses_total: ['usable IPv6 addresses', 'totalIPv6'],
  addresses_in_use_total: ['distinct addresses in use', 'inUse'],
  ipv4_addresses_in_use_total: ['distinct IPv4 addresses in use', 'inUseIPv4'],
  ipv6_addresses_in_use_total: ['distinct IPv6 addresses in use', 'inUseIPv6'],
  services_allocated_total: ['Services that hold an address', 'services'],
} as const
