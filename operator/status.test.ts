import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergePatchOf, statusPatchOf, withCondition, writeStatus } from './status.ts'

/** What is there, what shall be, and the patch; undefined = nothing to write. */
const PATCHES: readonly [string, unknown, Record<string, unknown>, unknown][] = [
  ['equal', { a: 1, b: [1, { c: 2 }] }, { a: 1, b: [1, { c: 2 }] }, undefined],
  ['equal but for the order of keys', { x: { a: 1, b: 2 } }, { x: { b: 2, a: 1 } }, undefined],
  ['a new value', { a: 1 }, { a: 2 }, { a: 2 }],
  ['nothing there yet', undefined, { a: 1 }, { a: 1 }],
  ['what is not named stays', { a: 1, others: true }, { a: 1 }, undefined],
  ['a named key deleted', { a: 1, b: 2 }, { a: undefined }, { a: null }],
  ['a key deleted that is not there', { b: 2 }, { a: undefined }, undefined],
  ['a list is replaced whole', { a: [1, 2] }, { a: [2] }, { a: [2] }],
  ['inside a named object, what is not named goes', { a: { x: 1, y: 2 } }, { a: { x: 1 } }, { a: { y: null } }],
  ['an empty object where nothing was', {}, { a: {} }, { a: {} }],
  ['an object emptied', { a: { x: 1 } }, { a: {} }, { a: { x: null } }],
  ['undefined inside a list item does not count', { a: [{ x: 1 }] }, { a: [{ x: 1, y: undefined }] }, undefined],
  ['null is a value in the way', { a: null }, { a: 1 }, { a: 1 }],
]

for (const [name, current, desired, patch] of PATCHES) {
  test(`merge patch: ${name}`, () => assert.deepEqual(mergePatchOf(current, desired), patch))
}

const SERVICE = {
  metadata: { name: 'web', namespace: 'default', resourceVersion: '7', annotations: { mine: 'a', theirs: 'b' } },
  status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } },
}

test('annotations and status go in one patch, which insists on the version that was read', () => {
  const write = { status: { loadBalancer: {} }, annotations: { mine: undefined } }
  assert.deepEqual(statusPatchOf(SERVICE, write), {
    metadata: { resourceVersion: '7', annotations: { mine: null } },
    status: { loadBalancer: { ingress: null } },
  })
})

test('nothing differs: nothing is sent', async () => {
  const client = { patch: () => assert.fail('a write without a difference') }
  const write = { status: SERVICE.status, annotations: { mine: 'a' } }
  const resource = { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true }
  assert.equal(await writeStatus(client, resource, SERVICE, write), undefined)
})

test('a condition keeps its time until its status changes, and leaves others alone', () => {
  const theirs = { type: 'Theirs', status: 'True', reason: 'X', message: '', lastTransitionTime: 'then' } as const
  const ours = { type: 'Ours', status: 'False', reason: 'PoolFull', message: 'pool web is full' } as const
  const first = withCondition([theirs], ours, 0)
  assert.deepEqual(first, [theirs, { ...ours, lastTransitionTime: '1970-01-01T00:00:00Z' }])
  assert.equal(withCondition(first, ours, 5_000), first)
  const reworded = withCondition(first, { ...ours, message: 'pools web and db are full' }, 5_000)
  assert.equal(reworded[1]?.lastTransitionTime, '1970-01-01T00:00:00Z')
  const turned = withCondition(first, { ...ours, status: 'True' }, 5_000)
  assert.equal(turned[1]?.lastTransitionTime, '1970-01-01T00:00:05Z')
  assert.equal(turned[0], theirs)
})
