import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  announcedService,
  clusterView,
  endpointsOn,
  type NodeWords,
  type ServiceWords,
} from '../../testkit/announce-world.ts'
import { bgp, pool } from '../../testkit/resources.ts'
import type { ConfigResource } from '../config/index.ts'
import { decideBgp } from './bgp.ts'
import { EXCLUDE_LABEL } from './reasons.ts'

const POOL = pool('web')
const TEAM_A = [{ matchLabels: { team: 'a' } }]

interface Case {
  readonly about: string
  readonly config?: readonly ConfigResource[]
  readonly node?: NodeWords
  readonly service?: ServiceWords
  readonly endpoints?: readonly string[]
  /** Names of the advertisements, or the code of the refusal. */
  readonly expected: string
}

/** In the order of the checks: each row would pass but for one thing. */
const CASES: readonly Case[] = [
  { about: 'an ordinary Service', expected: 'all' },
  { about: 'no address', service: { ingress: [] }, expected: 'noIPAllocated' },
  { about: 'an address of no pool', service: { ingress: ['203.0.113.1'] }, expected: 'ipNotAllowed' },
  { about: 'no advertisement', config: [POOL], expected: 'notOwner' },
  {
    about: 'no advertisement that selects this node',
    config: [POOL, bgp('all', { nodeSelectors: [{ matchLabels: { zone: '2' } }] })],
    expected: 'notOwner',
  },
  {
    about: 'no advertisement for this Service',
    config: [POOL, bgp('all', { serviceSelectors: TEAM_A })],
    expected: 'noMatchingAdvertisement',
  },
  {
    about: 'two that differ in local preference, where the Service matches both',
    config: [POOL, bgp('all', { localPref: 100 }), bgp('team', { localPref: 200, serviceSelectors: TEAM_A })],
    service: { labels: { team: 'a' } },
    expected: 'conflictingAdvertisements',
  },
  {
    about: 'two that differ in local preference, to different peers',
    config: [
      POOL,
      bgp('all', { localPref: 100, peers: ['left'] }),
      bgp('team', { localPref: 200, peers: ['right'], serviceSelectors: TEAM_A }),
    ],
    service: { labels: { team: 'a' } },
    expected: 'all team',
  },
  { about: 'a node without network', node: { networkUnavailable: true }, expected: 'nodeNetworkUnavailable' },
  {
    about: 'a node that is labelled out',
    node: { labels: { [EXCLUDE_LABEL]: 'true' } },
    expected: 'nodeLabeledExcludeBalancers',
  },
  {
    about: 'policy Local without an endpoint here',
    service: { policy: 'Local' },
    endpoints: ['bravo'],
    expected: 'noLocalEndpoints',
  },
  { about: 'policy Local with one', service: { policy: 'Local' }, expected: 'all' },
  { about: 'policy Cluster without any', endpoints: [], expected: 'noEndpoints' },
  { about: 'policy Cluster with one elsewhere', endpoints: ['bravo'], expected: 'all' },
]

for (const { about, config = [POOL, bgp('all')], node = {}, service, endpoints = ['alpha'], expected } of CASES) {
  test(`${about}: ${expected}`, () => {
    const view = clusterView(config, { alpha: node })
    const decision = decideBgp(announcedService(service), endpointsOn(...endpoints), view, view.node('alpha')!)
    const found =
      decision.kind === 'silent' ? decision.because : decision.advertisements.map(({ name }) => name).join(' ')
    assert.equal(found, expected)
  })
}
