import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../runtime/metrics.ts'
import { exposeBgp } from './bgp-metrics.ts'
import type { PeerCounters } from './wire/messages.ts'

const SENT = { open: 1, update: 2, notification: 3, keepalive: 4, 'route-refresh': 5 }
const RECEIVED = { open: 10, update: 20, notification: 30, keepalive: 40, 'route-refresh': 50 }
const PEER: PeerCounters = {
  ...{ name: 'tor', address: '192.0.2.1', port: 179, vrf: '', isEstablished: true },
  ...{ announcedPrefixes: 6, wantedPrefixes: 7, receivedPrefixes: 8, sent: SENT, received: RECEIVED },
  bfd: {
    ...{ isUp: true, controlPacketsReceived: 61, controlPacketsSent: 62, upEvents: 63, downEvents: 64 },
    ...{ echoPacketsReceived: 65, echoPacketsSent: 66 },
  },
}

/** Every series of MetalLB's speaker and of its FRR exporter, with the value that PEER gives it. */
const OF_METALLB: Readonly<Record<string, number>> = {
  metallb_bgp_session_up: 1,
  metallb_bgp_updates_total: 2,
  metallb_bgp_announced_prefixes_total: 6,
  metallb_bgp_pending_prefixes_total: 7,
  metallb_bgp_received_prefixes_total: 8,
  metallb_bgp_opens_sent: 1,
  metallb_bgp_opens_received: 10,
  metallb_bgp_notifications_sent: 3,
  metallb_bgp_updates_total_received: 20,
  metallb_bgp_keepalives_sent: 4,
  metallb_bgp_keepalives_received: 40,
  metallb_bgp_route_refresh_sent: 5,
  metallb_bgp_total_sent: 15,
  metallb_bgp_total_received: 150,
  metallb_bfd_session_up: 1,
  metallb_bfd_control_packet_input: 61,
  metallb_bfd_control_packet_output: 62,
  metallb_bfd_echo_packet_input: 65,
  metallb_bfd_echo_packet_output: 66,
  metallb_bfd_session_up_events: 63,
  metallb_bfd_session_down_events: 64,
  metallb_bfd_zebra_notifications: 0,
}

/** Series and values of a scrape. */
async function scraped(peers: readonly PeerCounters[]): Promise<readonly string[]> {
  const metrics = new Metrics()
  exposeBgp(metrics, async () => peers)
  const page = await metrics.registry.metrics()
  return page.split('\n').filter((line) => line.startsWith('metallb_'))
}

test('every name of MetalLB, native and FRR, for the peer by address and port', async () => {
  const labels = '{peer="192.0.2.1:179",vrf=""}'
  const wanted = Object.entries(OF_METALLB).map(([name, value]) => `${name}${labels} ${value}`)
  assert.deepEqual((await scraped([PEER])).toSorted(), wanted.toSorted())
})

test('an IPv6 peer in brackets, a VRF by its name, an unnumbered peer that was not found by its own', async () => {
  const series = await scraped([
    { ...PEER, address: '2001:db8::1', vrf: 'red', bfd: undefined },
    { ...PEER, name: 'uplink', address: undefined, bfd: undefined },
  ])
  assert.ok(series.includes('metallb_bgp_session_up{peer="[2001:db8::1]:179",vrf="red"} 1'), series.join('\n'))
  assert.ok(series.includes('metallb_bgp_session_up{peer="uplink",vrf=""} 1'))
  assert.ok(!series.some((line) => line.startsWith('metallb_bfd')), 'no BFD is asked for')
})

test('a peer that is gone has no series any more', async () => {
  const metrics = new Metrics()
  let peers = [PEER]
  exposeBgp(metrics, async () => peers)
  await metrics.registry.metrics()
  peers = []
  assert.doesNotMatch(await metrics.registry.metrics(), /^metallb_/m)
})
