/** Metrics of BGP and BFD under MetalLB's names, those of its own speaker and of its FRR exporter; read at each scrape. */
import type { Metrics } from '../runtime/metrics.ts'
import type { BfdCounters, PeerCounters } from './wire/messages.ts'

const LABELS = ['peer', 'vrf'] as const
type Reading = readonly [help: string, read: (peer: PeerCounters) => number]

const GAUGES: Readonly<Record<string, Reading>> = {
  session_up: ['1 for each peer with an established session', ({ isEstablished }) => (isEstablished ? 1 : 0)],
  announced_prefixes_total: ['Prefixes that the peer has', ({ announcedPrefixes }) => announcedPrefixes],
  pending_prefixes_total: ['Prefixes that the peer should have', ({ wantedPrefixes }) => wantedPrefixes],
  received_prefixes_total: ['Prefixes that the peer announced to us', ({ receivedPrefixes }) => receivedPrefixes],
}

const COUNTERS: Readonly<Record<string, Reading>> = {
  updates_total: ['UPDATE messages sent', ({ sent }) => sent.update],
  updates_total_received: ['UPDATE messages received', ({ received }) => received.update],
  opens_sent: ['OPEN messages sent', ({ sent }) => sent.open],
  opens_received: ['OPEN messages received', ({ received }) => received.open],
  notifications_sent: ['NOTIFICATION messages sent', ({ sent }) => sent.notification],
  keepalives_sent: ['KEEPALIVE messages sent', ({ sent }) => sent.keepalive],
  keepalives_received: ['KEEPALIVE messages received', ({ received }) => received.keepalive],
  route_refresh_sent: ['ROUTE-REFRESH messages sent', ({ sent }) => sent['route-refresh']],
  total_sent: ['Messages sent', ({ sent }) => totalOf(sent)],
  total_received: ['Messages received', ({ received }) => totalOf(received)],
}

const BFD_COUNTERS: Readonly<Record<string, readonly [string, (bfd: BfdCounters) => number]>> = {
  control_packet_input: ['BFD control packets received', ({ controlPacketsReceived }) => controlPacketsReceived],
  control_packet_output: ['BFD control packets sent', ({ controlPacketsSent }) => controlPacketsSent],
  echo_packet_input: ['BFD echo packets received', ({ echoPacketsReceived }) => echoPacketsReceived],
  echo_packet_output: ['BFD echo packets sent', ({ echoPacketsSent }) => echoPacketsSent],
  session_up_events: ['Times that BFD came up', ({ upEvents }) => upEvents],
  session_down_events: ['Times that BFD went down', ({ downEvents }) => downEvents],
  zebra_notifications: ['Always 0, as there is no FRR and hence no zebra', () => 0],
}

/** @param readPeers asks the wire thread; [] when it does not answer in time */
export function exposeBgp(metrics: Metrics, readPeers: () => Promise<readonly PeerCounters[]>): void {
  for (const [name, [help, read]] of Object.entries(GAUGES)) {
    metrics.gauge(`metallb_bgp_${name}`, help, LABELS, async (gauge) => {
      const peers = await readPeers()
      gauge.reset()
      for (const peer of peers) gauge.set(labelsOf(peer), read(peer))
    })
  }
  for (const [name, [help, read]] of Object.entries(COUNTERS)) {
    metrics.counterReadAtScrape(`metallb_bgp_${name}`, help, LABELS, async (set) => {
      for (const peer of await readPeers()) set(labelsOf(peer), read(peer))
    })
  }
  exposeBfd(metrics, async () => (await readPeers()).filter(hasBfd))
}

type PeerWithBfd = PeerCounters & { readonly bfd: BfdCounters }

function hasBfd(peer: PeerCounters): peer is PeerWithBfd {
  return peer.bfd !== undefined
}

function exposeBfd(metrics: Metrics, readPeers: () => Promise<readonly PeerWithBfd[]>): void {
  metrics.gauge('metallb_bfd_session_up', '1 for each peer with BFD up', LABELS, async (gauge) => {
    const peers = await readPeers()
    gauge.reset()
    for (const peer of peers) gauge.set(labelsOf(peer), peer.bfd.isUp ? 1 : 0)
  })
  for (const [name, [help, read]] of Object.entries(BFD_COUNTERS)) {
    metrics.counterReadAtScrape(`metallb_bfd_${name}`, help, LABELS, async (set) => {
      for (const peer of await readPeers()) set(labelsOf(peer), read(peer.bfd))
    })
  }
}

/** As MetalLB's own speaker: address and port. A peer not found on its link yet goes by its name. */
function labelsOf({ name, address, port, vrf }: PeerCounters): Record<(typeof LABELS)[number], string> {
  if (address === undefined) return { peer: name, vrf }
  return { peer: `${address.includes(':') ? `[${address}]` : address}:${port}`, vrf }
}

function totalOf(messages: PeerCounters['sent']): number {
  return Object.values(messages).reduce((sum, count) => sum + count, 0)
}
