import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NodeShape } from '../core/announce/index.ts'
import { nodeViewOf } from '../core/announce/index.ts'
import type { EndpointSlice, SERVICE_L2_STATUSES } from '../operator/index.ts'
import { l2, pool } from '../testkit/resources.ts'
import { type AnnouncedCluster, announcedCluster } from './announced-cluster.ts'
import { clusterWith, type ServiceWords } from './described-cluster.ts'
import { drainReport, simulateDrain } from './drain.ts'
import { type OwnerTarget, ownerRows, ownersReport } from './owners.ts'
import { rendered, UNPAINTED } from './report.ts'

const SINCE = '2026-01-01T00:00:00Z'

interface Words {
  readonly services: Readonly<Record<string, ServiceWords>>
  /** Nodes with what is said of them. */
  readonly nodes?: Readonly<Record<string, Pick<NodeShape, 'spec'> & { readonly labels?: Record<string, string> }>>
  /** Node that reports, by Service. */
  readonly reports?: Readonly<Record<string, string>>
  /** Nodes of the endpoints, by Service; default: one on alpha. */
  readonly endpoints?: Readonly<Record<string, readonly string[]>>
  readonly preferring?: string
}

const THREE = { alpha: {}, bravo: {}, charlie: {} }

function cluster({ services, nodes = THREE, reports = {}, endpoints = {}, preferring }: Words): AnnouncedCluster {
  const preferences = [{ weight: 5, preference: { matchLabels: { prefer: preferring ?? 'nobody' } } }]
  const configuration = [
    pool('web', { addresses: ['192.0.2.0/24'] }),
    l2('all', { preferredNodeSelectors: preferences }),
  ]
  const views = Object.entries(nodes).map(([name, { labels = {}, spec = {} }]) => {
    return nodeViewOf({ metadata: { name, labels: { prefer: name, ...labels } }, spec })
  })
  const slices = Object.keys(services).map((name): EndpointSlice => {
    const on = endpoints[name] ?? ['alpha']
    return {
      metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
      endpoints: on.map((nodeName) => ({ addresses: ['10.0.0.1'], nodeName, conditions: { ready: true } })),
    }
  })
  const told = Object.entries(reports).map(([serviceName, node]) => ({
    metadata: { name: `l2-${serviceName}`, creationTimestamp: SINCE },
    status: { node, serviceName, serviceNamespace: 'default', interfaces: [{ name: 'eth0' }] },
  })) as unknown as NonNullable<(typeof SERVICE_L2_STATUSES)['objects']>[]
  return announcedCluster({ ...clusterWith(configuration, services), nodes: views }, slices, told)
}

const ALL: OwnerTarget = { kind: 'all' }
/** Its hashes put the three nodes in the order charlie, bravo, alpha. */
const IP = '192.0.2.10'
const WEB = { web: { has: [IP] } }

describe('owners', () => {
  const BECAUSE: readonly [about: string, words: Words, because: RegExp][] = [
    ['by the hashes', { services: WEB, reports: { web: 'charlie' } }, /^first in the order of the hashes$/],
    ['as it was there before', { services: WEB, reports: { web: 'alpha' } }, /^keeps it, as it answers already$/],
    ['preferred', { services: WEB, reports: { web: 'bravo' }, preferring: 'bravo' }, /^preferred \(weight 5\)$/],
    ['alone', { services: WEB, nodes: { alpha: {} }, reports: { web: 'alpha' } }, /^the only candidate$/],
    [
      'as the others are cordoned',
      {
        services: WEB,
        nodes: { alpha: {}, charlie: { spec: { unschedulable: true } } },
        reports: { web: 'alpha' },
      },
      /^the others are to be emptied$/,
    ],
    [
      'though another comes first',
      { services: WEB, reports: { web: 'alpha' }, preferring: 'bravo' },
      /^candidate 2 of 3: bravo comes first, and does not answer$/,
    ],
    [
      'not a candidate',
      { services: WEB, reports: { web: 'zulu' } },
      /^zulu is no candidate any more; charlie is to answer$/,
    ],
    ['nobody yet', { services: WEB }, /^nobody reports; charlie is to answer$/],
    ['nobody may', { services: WEB, endpoints: { web: [] } }, /has no endpoint that can serve \[noEndpoints\]$/],
  ]
  for (const [about, words, because] of BECAUSE) {
    test(about, () => assert.match(ownerRows(cluster(words), ALL)[0]!.because, because))
  }

  test('as a table', () => {
    const words = { services: { ...WEB, db: { has: ['192.0.2.11'] }, waits: {}, plain: { type: 'ClusterIP' } } }
    const rows = ownerRows(cluster({ ...words, reports: { web: 'charlie' } }), ALL)
    assert.equal(
      rendered(ownersReport(rows, false), 'text', UNPAINTED),
      `\
ADDRESS      SERVICE       NODE      INTERFACES   SINCE                  BECAUSE
192.0.2.11   default/db    -         -            -                      nobody reports; charlie is to answer
192.0.2.10   default/web   charlie   eth0         2026-01-01T00:00:00Z   first in the order of the hashes
`,
    )
    assert.match(rendered(ownersReport(rows, false), 'wide', UNPAINTED), /charlie,bravo,alpha/)
  })

  test('of one address, with the order and what gave each its place', () => {
    const nodes = { alpha: {}, bravo: { spec: { unschedulable: true } }, charlie: {} }
    const rows = ownerRows(cluster({ services: WEB, nodes, reports: { web: 'alpha' } }), {
      kind: 'address',
      address: IP,
    })
    assert.equal(
      rendered(ownersReport(rows, true), 'text', UNPAINTED),
      `\
192.0.2.10 of default/web: alpha answers on eth0 since 2026-01-01T00:00:00Z (keeps it, as it answers already).
  1. alpha: answers, and keeps it among equals
  2. charlie
  3. bravo: node bravo is cordoned or tainted to be emptied, so it comes last (--ignore-cordon disregards that)
`,
    )
    assert.deepEqual(ownerRows(cluster({ services: WEB }), { kind: 'address', address: '192.0.2.99' }), [])
    assert.equal(ownerRows(cluster({ services: WEB }), { kind: 'service', key: 'default/web' }).length, 1)
  })
})

describe('drain', () => {
  test('says where everything goes, and changes nothing else', () => {
    const words: Words = {
      services: {
        web: { has: [IP] },
        local: { has: ['192.0.2.11'], policy: 'Local' },
        here: { has: ['192.0.2.12'], policy: 'Local' },
        elsewhere: { has: ['192.0.2.13'] },
      },
      reports: { web: 'alpha', local: 'alpha', here: 'alpha', elsewhere: 'bravo' },
      endpoints: { web: ['bravo'], local: ['alpha', 'bravo'], here: ['alpha'] },
    }
    const plan = simulateDrain(cluster(words), 'alpha')
    const goes = plan.services.map(({ service, to }) => `${service} ${to ?? '-'}`)
    assert.deepEqual(goes, ['default/here -', 'default/local bravo', 'default/web charlie'])
    assert.match(plan.services[0]!.because!, /no endpoint on node bravo can serve.* \[noLocalEndpoints\]/)
    assert.deepEqual(plan.counts, { moves: 2, loses: 1, stays: 1 })
    assert.equal(drainReport(plan).exitCode, 1)
    const text = rendered(drainReport(plan), 'text', UNPAINTED)
    assert.match(text, /\n2 Services move, 1 Service falls silent, 1 Service stays where it is\.\n$/)
  })

  test('of endpoints that are all there it says so', () => {
    const plan = simulateDrain(cluster({ services: WEB, reports: { web: 'alpha' } }), 'alpha')
    assert.deepEqual(plan.services, [
      {
        service: 'default/web',
        addresses: [IP],
        to: 'charlie',
        because: 'all its endpoints are on alpha: it is served when they run elsewhere',
      },
    ])
    assert.equal(drainReport(plan).exitCode, 0)
  })

  test('of a node that answers for nothing there is nothing to say', () => {
    const plan = simulateDrain(cluster({ services: WEB, reports: { web: 'alpha' } }), 'bravo')
    assert.equal(rendered(drainReport(plan), 'text', UNPAINTED), 'bravo answers for no address.\n')
  })
})
