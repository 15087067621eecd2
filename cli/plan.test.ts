import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConfigResource } from '../core/config/index.ts'
import { bfd, l2, peer, pool } from '../testkit/resources.ts'
import type { ClusterState } from './cluster-state.ts'
import { clusterWith, type ServiceWords, serviceNamed } from './described-cluster.ts'
import { type AnyObject, type ManifestObject, parseManifest } from './manifest.ts'
import { plan } from './plan.ts'
import { planReport } from './plan-report.ts'
import { changedCluster, type Deletion, parseDeletion } from './planned-change.ts'
import { rendered, UNPAINTED } from './report.ts'

const WEB = pool('web', { addresses: ['192.0.2.0/30'] })
const OTHER = pool('other', { addresses: ['198.51.100.0/30'] })
const ALL = l2('all')

function written(object: unknown): ManifestObject {
  return { object: object as AnyObject, file: 'new.yaml', lineOf: () => 1 }
}

function planned(present: ClusterState, objects: readonly unknown[], deletions: readonly string[] = []) {
  const parsed: readonly Deletion[] = deletions.map(parseDeletion)
  const changed = changedCluster(present, { objects: objects.map(written), deletions: parsed, namespace: 'default' })
  return plan(present, changed.state, changed.refused)
}

/** `a moves 192.0.2.0 → 198.51.100.0` */
function effects(...args: Parameters<typeof planned>): readonly string[] {
  return planned(...args).services.map(({ service, effect, before, after, regardless }) => {
    const name = service.replace('default/', '')
    return `${name} ${effect} ${before.join('+') || '-'} → ${after.join('+') || '-'}${regardless ? ' regardless' : ''}`
  })
}

const A_AND_B = { a: { has: ['192.0.2.0'], pool: 'web' }, b: { has: ['192.0.2.1'], pool: 'web' } }
type Services = Readonly<Record<string, ServiceWords>>
const DUAL = { clusterIPs: ['10.96.0.1', 'fd00::1'], dualStack: 'PreferDualStack' } as const

const ROWS: readonly [
  what: string,
  present: readonly ConfigResource[],
  services: Services,
  applied: readonly unknown[],
  deleted: readonly string[],
  expected: readonly string[],
][] = [
  [
    'the same again: nothing',
    [WEB],
    A_AND_B,
    [WEB],
    [],
    ['a keeps 192.0.2.0 → 192.0.2.0', 'b keeps 192.0.2.1 → 192.0.2.1'],
  ],
  [
    'a pool shrinks, and has no room',
    [WEB],
    A_AND_B,
    [pool('web', { addresses: ['192.0.2.0/32'] })],
    [],
    ['b loses 192.0.2.1 → -', 'a keeps 192.0.2.0 → 192.0.2.0'],
  ],
  [
    'a pool shrinks, and another has room',
    [WEB, OTHER],
    A_AND_B,
    [pool('web', { addresses: ['192.0.2.0/32'] })],
    [],
    ['b moves 192.0.2.1 → 198.51.100.0', 'a keeps 192.0.2.0 → 192.0.2.0'],
  ],
  [
    'a pool is replaced by another name with the same range',
    [WEB],
    A_AND_B,
    [pool('renamed', { addresses: ['192.0.2.0/30'] })],
    ['ipaddresspool/web'],
    ['a keeps 192.0.2.0 → 192.0.2.0', 'b keeps 192.0.2.1 → 192.0.2.1'],
  ],
  [
    'the last pool is deleted',
    [WEB],
    A_AND_B,
    [],
    ['IPAddressPools/web'],
    ['a loses 192.0.2.0 → -', 'b loses 192.0.2.1 → -'],
  ],
  ['a pool comes', [], { a: {} }, [WEB], [], ['a gains - → 192.0.2.0']],
  [
    'a Service waits, before and after',
    [WEB],
    { a: { annotations: { 'metallb.io/address-pool': 'other' } } },
    [pool('third', { addresses: ['10.0.0.0/30'] })],
    [],
    ['a waits - → - regardless'],
  ],
  [
    'what another frees, the one who waits gets',
    [pool('web', { addresses: ['192.0.2.0/32'] })],
    { a: { has: ['192.0.2.0'] }, w: {} },
    [],
    ['svc/a'],
    ['a loses 192.0.2.0 → -', 'w gains - → 192.0.2.0'],
  ],
  [
    'what no controller has decided yet happens regardless',
    [WEB],
    { a: {} },
    [pool('zoo', { addresses: ['10.0.0.0/30'] })],
    [],
    ['a gains - → 192.0.2.0 regardless'],
  ],
  [
    'a pool gains a family',
    [WEB],
    { a: { has: ['192.0.2.0'], ...DUAL } },
    [pool('web', { addresses: ['192.0.2.0/30', '2001:db8::/126'] })],
    [],
    ['a gains 192.0.2.0 → 192.0.2.0+2001:db8::'],
  ],
  [
    'a pool loses a family',
    [pool('web', { addresses: ['192.0.2.0/30', '2001:db8::/126'] })],
    { a: { has: ['192.0.2.1', '2001:db8::'], ...DUAL } },
    [WEB],
    [],
    ['a loses 192.0.2.1+2001:db8:: → 192.0.2.1'],
  ],
  [
    'a pool that becomes faulty takes nothing away',
    [WEB],
    A_AND_B,
    [pool('web', { addresses: ['192.0.2.0'] })],
    [],
    ['a keeps 192.0.2.0 → 192.0.2.0', 'b keeps 192.0.2.1 → 192.0.2.1'],
  ],
  [
    'a Service asks for another pool',
    [WEB, OTHER],
    A_AND_B,
    [
      {
        ...serviceNamed('a', { annotations: { 'metallb.io/address-pool': 'other' } }),
        apiVersion: 'v1',
        kind: 'Service',
      },
    ],
    [],
    ['a moves 192.0.2.0 → 198.51.100.0', 'b keeps 192.0.2.1 → 192.0.2.1'],
  ],
  [
    'a new Service without cluster IP, as a file has it',
    [WEB],
    A_AND_B,
    [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'n' },
        spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
      },
    ],
    [],
    ['n gains - → 192.0.2.2', 'a keeps 192.0.2.0 → 192.0.2.0', 'b keeps 192.0.2.1 → 192.0.2.1'],
  ],
  [
    'a namespace is labelled, and a pool opens to it',
    [
      pool('prod', {
        addresses: ['10.0.0.0/30'],
        serviceAllocation: { namespaceSelectors: [{ matchLabels: { env: 'prod' } }] },
      }),
    ],
    { a: {} },
    [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', labels: { env: 'prod' } } }],
    [],
    ['a gains - → 10.0.0.0'],
  ],
  [
    'Services of another class, and of another type, are not spoken of',
    [WEB],
    { a: { has: ['203.0.113.9'], loadBalancerClass: 'cloud' }, c: { type: 'ClusterIP' } },
    [OTHER],
    [],
    [],
  ],
]

describe('what a change does to addresses', () => {
  for (const [what, present, services, applied, deleted, expected] of ROWS) {
    test(what, () => assert.deepEqual(effects(clusterWith(present, services), applied, deleted), expected))
  }

  test('the state it is asked about is not changed', () => {
    const present = clusterWith([WEB, OTHER], A_AND_B)
    const before = structuredClone(present.services)
    const names = present.resources.pools.map(({ metadata }) => metadata.name)
    planned(present, [pool('web', { addresses: ['10.9.0.0/24'] })], ['ipaddresspool/other'])
    assert.deepEqual(present.services, before)
    assert.deepEqual(
      present.resources.pools.map(({ metadata }) => metadata.name),
      names,
    )
  })
})

describe('problems', () => {
  test('that would be refused, that would appear, and that would be gone', () => {
    const present = clusterWith([WEB, pool('slip', { addresses: ['10.0.0.1'] })])
    const { problems, refused } = planned(present, [
      pool('slip', { addresses: ['10.0.0.1/32'] }),
      pool('clash', { addresses: ['192.0.2.2/31'] }),
      peer('tor', { bfdProfile: 'later' }),
    ])
    assert.deepEqual(
      refused.map(({ object, rule }) => [object.name, rule]),
      [['clash', 'pools-overlap']],
    )
    assert.deepEqual(
      problems.appear.map(({ object, rule }) => [object.name, rule]),
      [['tor', 'bfd-profile-missing']],
    )
    assert.deepEqual(
      problems.vanish.map(({ object, rule }) => [object.name, rule]),
      [['slip', 'address-without-mask']],
    )
  })

  test('a profile goes with the peer that leaves it, not before', () => {
    const present = clusterWith([bfd('fast'), peer('tor', { bfdProfile: 'fast' })])
    const rules = (objects: readonly unknown[]) =>
      planned(present, objects, ['bfdprofile/fast']).refused.map(({ rule }) => rule)
    assert.deepEqual(rules([]), ['bfd-profile-in-use'])
    assert.deepEqual(rules([peer('tor')]), [])
  })

  test('a pool that is replaced keeps its age: the newcomer is at fault', () => {
    const { creationTimestamp: _, ...metadata } = WEB.metadata
    const present = clusterWith([
      WEB,
      pool('late', { addresses: ['198.51.100.0/30'] }, { creationTimestamp: '2026-03-01T00:00:00Z' }),
    ])
    const { refused } = planned(present, [
      { ...WEB, metadata, spec: { addresses: ['192.0.2.0/30', '198.51.100.0/31'] } },
    ])
    assert.deepEqual(
      refused.map(({ object }) => object.name),
      ['late'],
    )
  })
})

describe('what is printed', () => {
  const present = clusterWith([WEB, OTHER, ALL], { ...A_AND_B, n: {} })
  const changed = changedCluster(present, {
    objects: [written(pool('web', { addresses: ['192.0.2.0/32', '10.0.0.1'] }))],
    deletions: [{ kind: 'IPAddressPool', name: 'other' }],
    namespace: 'default',
  })
  const report = planReport(plan(present, changed.state, changed.refused))

  test('those that keep their address are counted', () => {
    assert.equal(
      rendered(report, 'text', UNPAINTED),
      `\
SERVICE     NOW   THEN        EFFECT   BECAUSE
default/n   -     192.0.2.2   gains

Would be refused at apply:
  IPAddressPool/web spec.addresses[1]: "10.0.0.1" is a bare address; write "10.0.0.1/32" [address-without-mask]

1 Service gains an address, 2 Services keep their addresses.
`,
    )
    assert.equal(report.exitCode, 1)
  })

  test('exit code 1 where somebody loses or moves, and the change is the cause', () => {
    const code = (services: Services, applied: readonly unknown[], deleted: readonly string[] = []) =>
      planReport(planned(clusterWith([WEB, OTHER], services), applied, deleted)).exitCode
    assert.equal(code(A_AND_B, [], ['ipaddresspool/web']), 1)
    assert.equal(code(A_AND_B, [], ['ipaddresspool/other']), 0)
    const moved = { a: { has: ['203.0.113.1'] } }
    assert.equal(code(moved, []), 0, 'it moves without the change')
  })
})

describe('a change that cannot be planned', () => {
  const present = clusterWith([WEB], A_AND_B)
  const REFUSED: readonly [what: string, deleted: string, message: RegExp][] = [
    ['what is not there', 'ipaddresspool/absent', /^there is no IPAddressPool absent in metallb-system: /],
    [
      'a kind that is unknown',
      'deployment/web',
      /^--delete deployment\/web is not KIND\/NAME: KIND may be IPAddressPool, /,
    ],
    ['no name', 'ipaddresspool', /is not KIND\/NAME/],
  ]
  for (const [what, deleted, message] of REFUSED) {
    test(what, () => assert.throws(() => planned(present, [], [deleted]), { name: 'CannotRun', message }))
  }

  test('a Service that no API server would take, with its line', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: x\n  annotations:\n    metallb.io/address-pool: 7\n'
    const manifest = parseManifest(text, 'svc.yaml')
    assert.ok(manifest.kind === 'objects')
    const change = { objects: manifest.objects, deletions: [], namespace: 'default' }
    assert.throws(() => changedCluster(present, change), { message: /^svc\.yaml:6 .* is 7 but must be text/ })
  })
})
