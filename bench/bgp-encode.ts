import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AdjRibOut, type Contribution, encodePrefix, frameMessage, type Negotiated } from '../net/bgp/index.ts'
import { type Prefix, parseAddress, prefixOf } from '../net/ip/index.ts'

const ROUTES = 10_000
const PEERS = 2
/** Milliseconds from Established to the last message, both peers together. */
const BAR_MS = 50
const ROUNDS = 30
/** One Service changes, with so many held: the cost must not depend on it. */
const HELD = [10, 10_000]
const CHANGES = 2_000
const SCALE = { peers: 100, routes: 1_000 }

export default {
  name: 'bgp-encode',
  about: 'Adj-RIB-Out alone: 10,000 routes to 2 peers from nothing, one change, and memory with 100 peers',
  run,
}

/** The yardstick of the cold start is the bare copying of the same prefixes into messages of the same size. */
async function run(progress: (text: string) => void) {
  progress(`${ROUTES} routes to ${PEERS} peers`)
  coldStart()
  const cold = median(Array.from({ length: ROUNDS }, coldStart))
  const bare = median(Array.from({ length: ROUNDS }, bareCopies))
  progress('one Service changes')
  const [few, many] = HELD.map(oneChangeMicroseconds) as [number, number]
  progress(`${SCALE.peers} peers with ${SCALE.routes} routes each`)
  const scale = memoryPerPeer()
  const figures = {
    coldStartMs: round(cold),
    bareCopiesMs: round(bare),
    [`oneChangeMicrosecondsAt${HELD[0]}Held`]: round(few),
    [`oneChangeMicrosecondsAt${HELD[1]}Held`]: round(many),
    ...scale,
  }
  const pass = cold <= BAR_MS && scale.bytesPerPeer < 1_000_000 && scale.attributeBlocksEncoded === 1
  return { figures, yardstick: BAR_MS, ratio: round(cold / BAR_MS), bar: 1, pass }
}

function coldStart(): number {
  const rib = filled(ROUTES)
  const start = performance.now()
  for (let peer = 0; peer < PEERS; peer++) rib.attach(`peer-${peer}`, NEGOTIATED, NEXT_HOPS)
  for (let peer = 0; peer < PEERS; peer++) drain(rib, `peer-${peer}`)
  return performance.now() - start
}

function bareCopies(): number {
  const prefixes = Array.from({ length: ROUTES }, (_, index) => encodePrefix(prefixAt(index)))
  const start = performance.now()
  for (let peer = 0; peer < PEERS; peer++) {
    for (let first = 0; first < ROUTES; first += 800) {
      const body = new Uint8Array(4 + 20 + 800 * 5)
      let at = 24
      for (const prefix of prefixes.slice(first, first + 800)) {
        body.set(prefix, at)
        at += prefix.length
      }
      frameMessage('update', body)
    }
  }
  return performance.now() - start
}

function oneChangeMicroseconds(held: number): number {
  const rib = filled(held)
  rib.attach('peer', NEGOTIATED, NEXT_HOPS)
  drain(rib, 'peer')
  const start = performance.now()
  for (let change = 0; change < CHANGES; change++) {
    rib.set('service-3', [contribution(prefixAt(3), change)])
    drain(rib, 'peer')
  }
  return ((performance.now() - start) * 1000) / CHANGES
}

function memoryPerPeer() {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const rib = filled(SCALE.routes)
  collect()
  const before = process.memoryUsage().heapUsed
  for (let peer = 0; peer < SCALE.peers; peer++) {
    rib.attach(`peer-${peer}`, NEGOTIATED, NEXT_HOPS)
    drain(rib, `peer-${peer}`)
  }
  collect()
  const bytesPerPeer = Math.round((process.memoryUsage().heapUsed - before) / SCALE.peers)
  return { bytesPerPeer, attributeBlocksEncoded: rib.attributeGroups.encoded }
}

function filled(routes: number): AdjRibOut {
  const rib = new AdjRibOut()
  rib.setComplete()
  for (let index = 0; index < routes; index++) rib.set(`service-${index}`, [contribution(prefixAt(index), 1)])
  return rib
}

function drain(rib: AdjRibOut, peer: string): void {
  while (rib.next(peer) !== undefined);
}

function prefixAt(index: number): Prefix {
  return prefixOf({ family: 4, bits: 0x0a00_0000n + BigInt(index) }, 32)
}

function contribution(prefix: Prefix, community: number): Contribution {
  return {
    prefix,
    advertisement: 'default',
    localPreference: undefined,
    communities: [community],
    largeCommunities: [],
    peers: undefined,
  }
}

const NEXT_HOPS = { ipv4: parseAddress('192.0.2.1'), ipv6Global: undefined, ipv6LinkLocal: undefined }
const NEGOTIATED: Negotiated = {
  kind: 'external',
  localAsn: 64_512,
  remoteAsn: 64_513,
  remoteIdentifier: 1,
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: 30,
  families: new Set(['ipv4-unicast']),
  asnWidth: 4,
  hasExtendedNextHop: false,
  maximumMessageLength: 4096,
  routeRefresh: 'plain',
  gracefulRestart: undefined,
  marksOnlyToCustomer: false,
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
