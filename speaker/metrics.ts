/** The speaker's metrics, under MetalLB's names; the series of an address vanish with it. */
import type { Metrics } from '../runtime/metrics.ts'
import type { Conflicts } from './conflicts.ts'
import type { Ownership } from './ownership.ts'
import type { WireCounters } from './wire/messages.ts'

export interface SpeakerMetricsSource {
  readonly node: string
  readonly ownership: Ownership
  readonly conflicts: Conflicts
  /** Addresses that are announced over BGP. */
  readonly announcedByBgp: () => Iterable<{ readonly service: string; readonly ip: string }>
  /** Services that should be announced and are not, as far as this node can tell. */
  readonly unannounced: () => number
  /** Asks the wire thread; undefined when it does not answer in time. */
  readonly readCounters: () => Promise<WireCounters | undefined>
}

const LAYER2_COUNTERS = {
  requests_received: ['ARP and NDP queries for the address', 'requestsReceived'],
  responses_sent: ['Replies for the address', 'responsesSent'],
  gratuitous_sent: ['Unsolicited announcements of the address', 'gratuitousSent'],
} as const

/** Registers what is read at each scrape. */
export function exposeSpeaker(metrics: Metrics, source: SpeakerMetricsSource): void {
  metrics.gauge(
    'metallb_speaker_announced',
    '1 for each address that this node announces',
    ['service', 'protocol', 'node', 'ip'],
    (gauge) => {
      gauge.reset()
      for (const service of source.ownership.keys()) {
        for (const { ip, isOwned } of source.ownership.addressesOf(service)) {
          if (isOwned) gauge.set({ service, protocol: 'layer2', node: source.node, ip }, 1)
        }
      }
      for (const { service, ip } of source.announcedByBgp()) {
        gauge.set({ service, protocol: 'bgp', node: source.node, ip }, 1)
      }
    },
  )
  metrics.gauge(
    'invar_speaker_unannounced_services',
    'Services with an address and Pods that nobody announces, as far as this node can tell: the least of all nodes counts',
    [],
    (gauge) => gauge.set(source.unannounced()),
  )
  exposeConflicts(metrics, source)
  for (const [suffix, [help, field]] of Object.entries(LAYER2_COUNTERS)) {
    metrics.counterReadAtScrape(`metallb_layer2_${suffix}`, help, ['ip'], async (set) => {
      for (const address of (await source.readCounters())?.addresses ?? []) set({ ip: address.ip }, address[field])
    })
  }
  metrics.counterReadAtScrape('invar_wire_ignored_total', 'Frames and datagrams ignored', ['reason'], async (set) => {
    for (const [reason, count] of Object.entries((await source.readCounters())?.ignored ?? {})) set({ reason }, count)
  })
}

function exposeConflicts(metrics: Metrics, { conflicts }: SpeakerMetricsSource): void {
  metrics.gauge(
    'invar_layer2_address_conflict',
    '1 for each address of ours that another station uses',
    ['ip', 'mac', 'interface', 'reason'],
    (gauge) => {
      gauge.reset()
      for (const { ip, mac, interface: name, reason } of conflicts.values()) {
        gauge.set({ ip, mac, interface: name, reason }, 1)
      }
    },
  )
  metrics.counterReadAtScrape(
    'invar_layer2_address_conflicts_total',
    'Sightings of another station with an address of ours, at most one in ten seconds for each',
    ['reason'],
    async (set) => {
      for (const [reason, total] of Object.entries(conflicts.seen)) set({ reason }, total)
    },
  )
}
