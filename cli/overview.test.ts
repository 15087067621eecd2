import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConfigResource } from '../core/config/index.ts'
import type { ConfigurationState } from '../crds/index.ts'
import type { EndpointSlice } from '../operator/index.ts'
import { bgp, l2, pool } from '../testkit/resources.ts'
import { announcedCluster } from './announced-cluster.ts'
import { clusterWith, type ServiceWords } from './described-cluster.ts'
import { factsWith, nodeNamed, podNamed } from './doctor/described-facts.ts'
import { type Overview, type OverviewFacts, overviewOf } from './overview.ts'
import { overviewReport } from './overview-report.ts'
import { rendered, UNPAINTED } from './report.ts'

const NODES = { 'node-a': {}, 'node-b': {} }

function sliceOf(name: string): EndpointSlice {
  return {
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'node-a', conditions: { ready: true } }],
  }
}

function reportOn(name: string, node: string) {
  const status = { node, serviceName: name, serviceNamespace: 'default' }
  const type = { apiVersion: 'metallb.io/v1beta1', kind: 'ServiceL2Status' } as const
  return { ...type, metadata: { name: `l2-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' }, status }
}

const CONFIGURATION: readonly ConfigResource[] = [pool('web', { addresses: ['192.0.2.0/31'] }), l2('all')]
const WEB: Readonly<Record<string, ServiceWords>> = { web: { has: ['192.0.2.0'], pool: 'web' } }

function overview(more: Partial<OverviewFacts> = {}): Overview {
  const cluster = announcedCluster(
    clusterWith(CONFIGURATION, WEB, NODES),
    [sliceOf('web')],
    [reportOn('web', 'node-a')],
  )
  return overviewOf(factsWith({ cluster, ...more }))
}

function textOf(more: Partial<OverviewFacts> = {}): string {
  return rendered(overviewReport(overview(more)), 'text', UNPAINTED)
}

describe('status', () => {
  test('of what is well: one screen, nothing under problems, 0', () => {
    const report = overviewReport(overview())
    assert.equal(report.exitCode, 0)
    const text = rendered(report, 'text', UNPAINTED)
    assert.match(text, /^All is well: 1 Service has an address; 2 of 2 speakers well \(namespace metallb-system\)\.\n/)
    assert.match(text, /^ {2}controller-1 +node-a +yes +0 +\S+ +leads$/m)
    assert.match(text, /^ {2}node-a +yes +0 +\S+ +eth0 +1 +-$/m)
    assert.match(text, /^ {2}web +192\.0\.2\.0\/31 +true +1\/2/m)
    assert.ok(!text.includes('Problems:') && text.split('\n').length <= 24)
  })

  const services = (words: Readonly<Record<string, ServiceWords>>, objects = CONFIGURATION) => ({
    cluster: announcedCluster(clusterWith(objects, words, NODES), Object.keys(words).map(sliceOf), []),
  })
  const invalid: ConfigurationState = {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'ConfigurationState',
    metadata: { name: 'speaker-node-a' },
    status: { result: 'Invalid', errorSummary: 'BGPPeer tor: no Secret' },
  }
  const { installation } = factsWith()

  const WRONG: readonly [about: string, more: Partial<OverviewFacts>, told: RegExp][] = [
    [
      'a Service waits',
      services({ web: { annotations: { 'metallb.io/loadBalancerIPs': '203.0.113.9' } } }),
      /default\/web has no address: No address for Service default\/web: .*203\.0\.113\.9/,
    ],
    [
      'nobody has written what is due',
      services({ web: {} }),
      /default\/web has no address: due 192\.0\.2\.\d from pool "web"; no controller has written that/,
    ],
    [
      'nobody reports',
      services(WEB),
      /default\/web is not announced: node node-\w is to answer for it, and no node reports/,
    ],
    [
      'nobody announces',
      services(WEB, [CONFIGURATION[0]!]),
      /default\/web is not announced: no L2Advertisement reaches pool "web"/,
    ],
    [
      'a bad object',
      services({}, [...CONFIGURATION, pool('bad', { addresses: ['10.0.0.1'] })]),
      /IPAddressPool\/bad spec\.addresses\[0\]: .*bare address/,
    ],
    ['what a speaker alone sees', { states: [invalid] }, /speaker-node-a: BGPPeer tor: no Secret/],
    [
      'no controller',
      { installation: { ...installation, controllers: [] } },
      /no Pod of a controller: no Service is given an address/,
    ],
    ['no speakers', { installation: { ...installation, speakers: [] } }, /no Pod of a speaker/],
    [
      'a Pod that does not start',
      {
        installation: {
          ...installation,
          controllers: [
            podNamed('controller-1', 'node-a', {
              conditions: [],
              containerStatuses: [{ name: 'c', restartCount: 2, state: { waiting: { reason: 'ErrImagePull' } } }],
            }),
          ],
        },
      },
      /controller-1 +node-a +no +2 .* ErrImagePull/,
    ],
    [
      'a silent speaker',
      { nodes: [nodeNamed('node-a')], unanswered: [{ node: 'node-b', because: 'no answer' }] },
      /node-b +yes +0 +\S+ +- +- +- +no answer/,
    ],
    [
      'a session',
      {
        nodes: [
          nodeNamed('node-a', { sessions: [{ peer: 'tor', state: 'Active', because: 'refused' }] }),
          nodeNamed('node-b'),
        ],
      },
      /node-a has no session with tor \(Active\): refused/,
    ],
    [
      'no link',
      { nodes: [nodeNamed('node-a', { interfaces: [] }), nodeNamed('node-b')] },
      /node-a +yes +0 +\S+ +- +1 +-/,
    ],
  ]
  for (const [about, more, told] of WRONG) {
    test(`tells of ${about}, and ends with 1`, () => {
      assert.match(textOf(more), told)
      assert.match(textOf(more), /^Something is wrong: /)
      assert.equal(overviewReport(overview(more)).exitCode, 1)
    })
  }

  test('a Service without endpoints is shown, and is nothing wrong', () => {
    const cluster = announcedCluster(clusterWith(CONFIGURATION, WEB, NODES), [], [])
    assert.match(textOf({ cluster }), /^ {2}default\/web has no endpoint that can serve$/m)
    assert.equal(overview({ cluster }).healthy, true)
  })

  test('an address that BGP announces needs no report of layer 2', () => {
    const routed = [pool('web', { addresses: ['192.0.2.0/31'] }), bgp('all')]
    assert.deepEqual(overview(services(WEB, routed)).services.silent, [])
  })

  test('a node without a speaker is named', () => {
    const cluster = announcedCluster(clusterWith(CONFIGURATION, {}, { ...NODES, 'node-c': {} }), [], [])
    assert.match(textOf({ cluster }), /^ {2}no speaker runs on node-c$/m)
  })

  test('who has not renewed the lease leads no more', () => {
    assert.equal(overview({ nowMs: Date.parse('2026-01-01T00:02:00Z') }).leader, undefined)
    assert.equal(overview().leader, 'controller-1')
  })

  test('of many speakers those are listed that are not well', () => {
    const names = Array.from({ length: 12 }, (_, index) => `node-${String(index).padStart(2, '0')}`)
    const speakers = names.map((node) => podNamed(`speaker-${node}`, node))
    const nodes = names.map((node) => nodeNamed(node, node === 'node-07' ? { interfaces: [] } : {}))
    const text = textOf({ installation: { ...installation, speakers }, nodes })
    assert.match(text, /^ {2}node-07 .*\n {2}11 speakers are well \(-o wide lists all\)$/m)
    assert.ok(!text.includes('node-08'))
  })

  test('many of a sort are cut short, but for -o wide', () => {
    const words = Object.fromEntries(
      Array.from({ length: 8 }, (_, index) => [
        `web${index}`,
        { annotations: { 'metallb.io/loadBalancerIPs': '203.0.113.9' } },
      ]),
    )
    assert.match(textOf(services(words)), /… and 3 more like this \(-o wide shows all\)/)
    const wide = rendered(overviewReport(overview(services(words))), 'wide', UNPAINTED)
    assert.match(wide, /default\/web7 has no address/)
  })
})
