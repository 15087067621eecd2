import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ConfigKind, judge, LIST_OF_KIND } from '../../core/config/index.ts'
import { property } from '../../testkit/property.ts'
import { bfd, bgp, peer, pool, resources } from '../../testkit/resources.ts'
import { answerOf, KIND_OF_PATH, NOT_JUDGED, reviewOf } from './review.ts'

const lan = pool('lan')
const review = (changed: object) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: 'u-1', operation: 'CREATE', object: lan, oldObject: null, ...changed },
})

test('there is a path for each kind of the configuration, and for no other', () => {
  assert.deepEqual(Object.values(KIND_OF_PATH).sort(), Object.keys(LIST_OF_KIND).sort())
})

const SUBMITTED: readonly [operation: string, object: unknown, oldObject: unknown, keys: string[]][] = [
  ['CREATE', lan, null, ['operation', 'object']],
  ['UPDATE', lan, lan, ['operation', 'object', 'oldObject']],
  ['DELETE', null, lan, ['operation', 'oldObject']],
]

for (const [operation, object, oldObject, keys] of SUBMITTED) {
  test(`${operation} is read with what it submits`, () => {
    const read = reviewOf('IPAddressPool', review({ operation, object, oldObject }))
    assert.ok(read.kind === 'review')
    assert.equal(read.uid, 'u-1')
    assert.deepEqual(Object.keys(read.submission), keys)
  })
}

const MALFORMED: readonly [name: string, body: unknown, because: RegExp][] = [
  ['nothing', null, /must be an AdmissionReview/],
  ['a list', [], /must be an AdmissionReview/],
  ['the object itself', lan, /must be an AdmissionReview/],
  ['a review of v1beta1', { ...review({}), apiVersion: 'admission.k8s.io/v1beta1' }, /of admission.k8s.io\/v1/],
  ['no request', { ...review({}), request: undefined }, /no request/],
  ['no uid', review({ uid: undefined }), /uid/],
  ['an empty uid', review({ uid: '' }), /uid/],
  ['CONNECT', review({ operation: 'CONNECT' }), /CREATE, UPDATE or DELETE/],
  ['another kind than the path says', review({ object: bgp('b') }), /does not submit a IPAddressPool/],
  ['CREATE of nothing', review({ object: null }), /does not submit/],
  ['UPDATE of nothing', review({ operation: 'UPDATE' }), /does not submit/],
  ['no metadata', review({ object: { ...lan, metadata: undefined } }), /does not submit/],
  ['a name that is none', review({ object: { ...lan, metadata: { name: 7 } } }), /does not submit/],
  [
    'labels that are none',
    review({ object: { ...lan, metadata: { name: 'a', labels: { a: 1 } } } }),
    /does not submit/,
  ],
]

for (const [name, body, because] of MALFORMED) {
  test(`malformed: ${name}`, () => {
    const read = reviewOf('IPAddressPool', body)
    assert.match(read.kind === 'malformed' ? read.because : read.kind, because)
  })
}

test('a refusal names every problem for people, and rule and field of each for programs', () => {
  const broken = pool('late', { addresses: ['10.0.0.300/24', 'oops'] })
  const { response } = answerOf('u-1', judge({ operation: 'CREATE', object: broken }, resources([lan])))
  assert.deepEqual([response.uid, response.allowed, response.status?.code], ['u-1', false, 403])
  assert.match(response.status?.message ?? '', /addresses\[0\].*"10\.0\.0\.300\/24".*addresses\[1\].*"oops"/)
  const fields = response.status?.details.causes.map(({ field, reason }) => `${field} ${reason}`)
  assert.deepEqual(fields, ['spec.addresses[0] address-unparsable', 'spec.addresses[1] address-unparsable'])
})

test('what is allowed carries no status, and warnings only where there are some', () => {
  const quiet = answerOf('u-1', { allowed: true, problems: [], warnings: [] })
  assert.deepEqual(quiet.response, { uid: 'u-1', allowed: true })
  const starting = answerOf('u-2', NOT_JUDGED).response
  assert.equal(starting.allowed, true)
  assert.match(starting.warnings?.[0] ?? '', /still starting/)
})

type Place = readonly [holder: Record<string, unknown>, key: string]

function placesOf(value: object): readonly Place[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const here: Place = [value as Record<string, unknown>, key]
    return typeof inner === 'object' && inner !== null ? [here, ...placesOf(inner)] : [here]
  })
}

/** A good object with something put in place of one of its parts. */
const spoiled = fc
  .record({
    good: fc.constantFrom(lan, bgp('b', { communities: ['1:2'] }), peer('r'), bfd('f')),
    at: fc.nat(),
    by: fc.jsonValue({ maxDepth: 2 }),
  })
  .map(({ good, at, by }) => {
    const object = structuredClone(good) as unknown as Record<string, unknown>
    const places = placesOf(object)
    const [holder, key] = places[at % places.length]!
    holder[key] = by
    return { kind: good.kind as ConfigKind, good, object }
  })

property(
  'whatever is submitted, it is malformed, or judged without a fault',
  [spoiled, fc.constantFrom('CREATE', 'UPDATE', 'DELETE')],
  ({ kind, good, object }, operation) => {
    const read = reviewOf(kind, review({ operation, object, oldObject: good }))
    if (read.kind === 'review') judge(read.submission, resources([lan, peer('r')]))
  },
  { share: 5 },
)
