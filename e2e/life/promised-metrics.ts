/** MetalLB's metrics, those of its own programs and of its FRR exporter: name, labels and program, as its users know them. */
import type { Component } from './installation.ts'

export interface PromisedMetric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly string[]
  readonly on: readonly Component[]
}

function each(prefix: string, names: readonly string[], rest: Omit<PromisedMetric, 'name'>): readonly PromisedMetric[] {
  return names.map((name) => ({ name: `${prefix}_${name}`, ...rest }))
}

const OF_POOLS = { type: 'gauge', labels: ['pool'], on: ['controller'] } as const
const OF_BOTH = { labels: [], on: ['controller', 'speaker'] } as const
const OF_ADDRESSES = { type: 'counter', labels: ['ip'], on: ['speaker'] } as const
const OF_PEERS = { labels: ['peer', 'vrf'], on: ['speaker'] } as const

export const PROMISED: readonly PromisedMetric[] = [
  ...each(
    'metallb_allocator',
    [
      ...['addresses_total', 'ipv4_addresses_total', 'ipv6_addresses_total', 'addresses_in_use_total'],
      ...['ipv4_addresses_in_use_total', 'ipv6_addresses_in_use_total', 'services_allocated_total'],
    ],
    OF_POOLS,
  ),
  ...each('metallb_k8s_client', ['updates_total', 'update_errors_total'], { ...OF_BOTH, type: 'counter' }),
  ...each('metallb_k8s_client', ['config_loaded_bool', 'config_stale_bool'], { ...OF_BOTH, type: 'gauge' }),
  { name: 'metallb_speaker_announced', type: 'gauge', labels: ['service', 'protocol', 'node', 'ip'], on: ['speaker'] },
  ...each('metallb_layer2', ['requests_received', 'responses_sent', 'gratuitous_sent'], OF_ADDRESSES),
  ...each('metallb_bgp', ['session_up', 'announced_prefixes_total', 'pending_prefixes_total'], {
    ...OF_PEERS,
    type: 'gauge',
  }),
  ...each(
    'metallb_bgp',
    [
      ...['updates_total', 'opens_sent', 'opens_received', 'notifications_sent', 'updates_total_received'],
      ...['keepalives_sent', 'keepalives_received', 'route_refresh_sent', 'total_sent', 'total_received'],
    ],
    { ...OF_PEERS, type: 'counter' },
  ),
  { name: 'metallb_bfd_session_up', type: 'gauge', ...OF_PEERS },
  ...each(
    'metallb_bfd',
    [
      ...['control_packet_input', 'control_packet_output', 'echo_packet_input', 'echo_packet_output'],
      ...['session_up_events', 'session_down_events', 'zebra_notifications'],
    ],
    { ...OF_PEERS, type: 'counter' },
  ),
]
