/** A cluster of any size as the web page shows it, served as the controller serves it, without a cluster. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DecisionRing } from '../controller/page/decisions.ts'
import { Feed } from '../controller/page/feed.ts'
import { pageRoutes } from '../controller/page/routes.ts'
import type { PoolRow, ProblemRow, ServiceRow, SpeakerRow } from '../page/model.ts'
import { systemClock } from '../runtime/clock.ts'
import { close, serve } from '../runtime/http.ts'

const NAMESPACES = ['shop', 'mail', 'search', 'billing', 'media']
const NAMES = ['web', 'api', 'queue', 'cache', 'login', 'stream', 'export', 'gateway']
const NODES = ['node-a', 'node-b', 'node-c']
/** Of the Services so many are announced by BGP, and so many have something wrong. */
const [EVERY_ROUTED, EVERY_WRONG] = [4, 97]

export interface PageCluster {
  readonly url: string
  /** One Service that was not served is, from now on. */
  readonly mend: () => void
  readonly stop: () => Promise<void>
}

export async function servePageOf(services: number): Promise<PageCluster> {
  const rows = new Map(Array.from({ length: services }, (_, index) => entryOf(index)))
  const decisions = new DecisionRing(() => systemClock.wall())
  const feed = new Feed({
    view: {
      serviceKeys: () => rows.keys(),
      service: (key) => rows.get(key),
      ...{ pools: () => poolsOf(services), speakers: () => SPEAKERS, problems: () => PROBLEMS },
    },
    ...{ decisions, clock: systemClock },
    about: () => ({
      pod: 'controller-7d9c5b-x2x8k',
      namespace: 'metallb-system',
      isLeader: true,
      decisionsKept: 100,
      unread: [],
    }),
  })
  for (const { key, addresses, standing, reason } of [...rows.values()].slice(0, 12)) {
    const had = standing === 'waiting' ? [] : addresses
    const message = reason?.sentence ?? `Assigned ${addresses[0]} from pool "lan"`
    feed.decided(decisionOn(key, had, message))
  }
  feed.released('shop/old-campaign', ['192.0.2.77'])
  const server: Server = await serve(
    pageRoutes(feed, async () => undefined),
    { port: 0, host: '127.0.0.1' },
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/page`,
    mend: () => {
      const [key, row] = [...rows].find(([, { standing }]) => standing !== 'served')!
      rows.set(key, { ...row, standing: 'served', answers: [{ node: 'node-c', over: ['eth1'] }] })
      feed.serviceChanged(key)
    },
    stop: async () => {
      feed.stop()
      await close(server)
    },
  }
}

function decisionOn(key: string, addresses: readonly string[], message: string) {
  const [namespace = '', name = ''] = key.split('/')
  const type = addresses.length === 0 ? ('Warning' as const) : ('Normal' as const)
  const events = [{ type, reason: 'IPAllocated' as const, message }]
  const outcome = { kind: 'assigned' as const, shortcoming: undefined }
  const decision = { key, addresses, outcome, pool: 'lan', changed: true, events, message, verdicts: [] }
  return { service: { metadata: { name, namespace } }, held: [], decision, events }
}

function entryOf(index: number): [key: string, row: ServiceRow] {
  const namespace = NAMESPACES[index % NAMESPACES.length]!
  const serial = Math.floor(index / (NAMESPACES.length * NAMES.length))
  const name = `${NAMES[Math.floor(index / NAMESPACES.length) % NAMES.length]}${serial === 0 ? '' : `-${serial}`}`
  const key = `${namespace}/${name}`
  const node = NODES[index % NODES.length]!
  const address = `10.${Math.floor(index / 65_536)}.${Math.floor(index / 256) % 256}.${index % 256}`
  const isRouted = index % EVERY_ROUTED === 3
  const row = { key, addresses: [address], pool: isRouted ? 'wan' : 'lan' }
  const wrong = index % EVERY_WRONG === 5 ? wrongOf(key, index) : undefined
  if (wrong?.standing === 'waiting') return [key, { key, addresses: [], ...wrong }]
  if (wrong !== undefined) return [key, { ...row, ...wrong }]
  if (!isRouted) return [key, { ...row, standing: 'served', answers: [{ node, over: ['eth0'] }] }]
  const routes = NODES.map((one) => ({ node: one, over: ['tor-1', 'tor-2'] }))
  return [key, { ...row, standing: 'served', routes }]
}

type Wrong = Pick<ServiceRow, 'standing' | 'reason'> & Partial<ServiceRow>

function wrongOf(key: string, index: number): Wrong {
  const wrongs: readonly Wrong[] = [
    {
      standing: 'silent',
      reason: { code: 'noEndpoints', sentence: `${key} has no endpoint that can serve` },
    },
    {
      standing: 'waiting',
      reason: {
        code: 'AllocationFailed',
        sentence: `No address for Service ${key}: pool "lan" is for other namespaces`,
      },
    },
    {
      ...{ standing: 'doubtful', answers: [{ node: 'node-b', over: ['eth0'] }] },
      conflicts: [{ node: 'node-b', sentence: '' }],
      reason: {
        code: 'ForeignClaim',
        sentence: 'station 02:42:ac:11:00:02, seen on interface eth0 of node node-b, answers for it as well',
      },
    },
  ]
  return wrongs[Math.floor(index / EVERY_WRONG) % wrongs.length]!
}

function poolsOf(services: number): readonly PoolRow[] {
  const none = { inUse: 0, total: 0 }
  const routed = Math.floor(services / EVERY_ROUTED)
  return [
    {
      ...{ name: 'lan', addresses: ['10.0.0.0/18'], autoAssign: true, notes: [], ipv6: none },
      ipv4: { inUse: services - routed, total: 16_384 },
    },
    {
      ...{ name: 'wan', addresses: ['198.51.100.0/24', '2001:db8:7::/64'], autoAssign: false, notes: [] },
      ...{ ipv4: { inUse: Math.min(routed, 250), total: 256 }, ipv6: { inUse: 12, total: 2 ** 64 } },
    },
  ]
}

const SINCE = '2026-01-01T08:00:00Z'
const SPEAKERS: readonly SpeakerRow[] = NODES.map((node, index) => ({
  ...{ node, configuration: 'Valid', notes: index === 2 ? ['cordoned'] : [] },
  sessions: [
    { peer: 'tor-1', state: 'up', since: SINCE },
    index === 2
      ? { peer: 'tor-2', state: 'down', since: SINCE, sentence: 'hold timer expired' }
      : { peer: 'tor-2', state: 'up', since: SINCE },
  ],
}))

const PROBLEMS: readonly ProblemRow[] = [
  {
    ...{ severity: 'error', object: 'IPAddressPool guests', rule: 'address-unparsable' },
    sentence:
      'IPAddressPool guests: spec.addresses[0] "192.0.2.10-" is neither a prefix nor a range: write 192.0.2.10-192.0.2.20',
  },
]
