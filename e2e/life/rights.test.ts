/** The judges of the life themselves: what they must find, and what they must not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubernetesObject } from '../../operator/index.ts'
import { callsIn, refused, rightsIn, sentenceOf, unused } from './rights.ts'
import { familiesOn } from './scrape.ts'

const OBJECTS = [
  {
    ...{ kind: 'Role', metadata: { name: 'speaker' } },
    rules: [
      { apiGroups: ['metallb.io'], resources: ['servicel2statuses', 'servicel2statuses/status'], verbs: ['patch'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['memberlist', 'other'], verbs: ['list'] },
    ],
  },
  {
    ...{ kind: 'RoleBinding', metadata: { name: 'speaker' } },
    roleRef: { kind: 'Role', name: 'speaker' },
    subjects: [{ kind: 'ServiceAccount', name: 'speaker' }],
  },
] as unknown as readonly KubernetesObject[]

function entry(verb: string, objectRef: object, more: object = {}): string {
  return JSON.stringify({
    ...{ stage: 'ResponseComplete', verb, objectRef, responseStatus: { code: 200 } },
    user: { username: 'system:serviceaccount:metallb-system:speaker' },
    annotations: { 'authorization.k8s.io/reason': 'RBAC: allowed by RoleBinding "speaker/ns" of Role "speaker" to X' },
    ...more,
  })
}

const USED = [
  entry('patch', { apiGroup: 'metallb.io', resource: 'servicel2statuses', subresource: 'status', name: 'l2-a' }),
  entry('list', { resource: 'secrets', name: 'memberlist' }),
]

function unusedAfter(...lines: readonly string[]): readonly string[] {
  return unused(rightsIn(OBJECTS), callsIn(lines.join('\n'), 'metallb-system')).map(sentenceOf)
}

test('a right on an object is not used by one on its subresource, nor a name by another', () => {
  assert.deepEqual(unusedAfter(...USED), ['speaker: patch servicel2statuses.metallb.io', 'speaker: list secrets other'])
})

test('what another role allowed does not use the right, nor what another account did', () => {
  const reason = {
    'authorization.k8s.io/reason': 'RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "speaker" to X',
  }
  const elsewhere = entry('list', { resource: 'secrets', name: 'other' }, { annotations: reason })
  const somebody = { user: { username: 'system:serviceaccount:default:speaker' } }
  const others = entry('list', { resource: 'secrets', name: 'other' }, somebody)
  assert.equal(unusedAfter(...USED, elsewhere, others).length, 2)
})

test('calls that were refused are found, by rights or by a policy', () => {
  const line = entry('get', { resource: 'pods', name: 'one' }, { responseStatus: { code: 403 }, annotations: {} })
  assert.deepEqual(refused(callsIn([...USED, line].join('\n'), 'metallb-system')).map(sentenceOf), [
    'speaker: get pods one',
  ])
})

test('families of a page with types, and the labels of each series', () => {
  const page = [
    '# TYPE waited histogram',
    'waited_bucket{le="1",outcome="a \\"b\\" {c}"} 1',
    'waited_count{outcome="done"} 2',
    '# TYPE up_total counter',
    'up_total 3',
    '# TYPE none gauge',
    // Another page that follows it.
    '# TYPE up_total counter',
  ]
  assert.deepEqual(familiesOn(page.join('\n')), [
    { name: 'waited', type: 'histogram', labels: [['outcome'], ['outcome']] },
    { name: 'up_total', type: 'counter', labels: [[]] },
    { name: 'none', type: 'gauge', labels: [] },
  ])
})
