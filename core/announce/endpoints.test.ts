import assert from 'node:assert/strict'
import { test } from 'node:test'
import { servingEndpoints } from './endpoints.ts'

const ADDRESSES = ['10.0.0.1']
const ROWS = [
  ['ready', { ready: true }, true],
  ['ready not said', {}, true],
  ['not ready', { ready: false }, false],
  ['terminating, still serving', { ready: false, serving: true }, true],
  ['terminating, no longer serving', { ready: false, serving: false }, false],
] as const

for (const [about, conditions, canServe] of ROWS) {
  test(`an endpoint that is ${about} ${canServe ? 'can' : 'cannot'} serve`, () => {
    const found = servingEndpoints([{ endpoints: [{ addresses: ADDRESSES, nodeName: 'alpha', conditions }] }])
    assert.deepEqual(found, { anywhere: canServe, nodes: new Set(canServe ? ['alpha'] : []) })
  })
}

test('an endpoint on no node serves, but nowhere in particular', () => {
  assert.deepEqual(servingEndpoints([{ endpoints: [{ addresses: ADDRESSES }] }]), { anywhere: true, nodes: new Set() })
})

test('an endpoint without an address serves nobody', () => {
  assert.equal(servingEndpoints([{ endpoints: [{ addresses: [], nodeName: 'alpha' }] }]).anywhere, false)
})

test('all slices of the Service count', () => {
  const slice = (nodeName: string) => ({ endpoints: [{ addresses: ADDRESSES, nodeName }] })
  assert.deepEqual(servingEndpoints([slice('alpha'), {}, slice('bravo')]).nodes, new Set(['alpha', 'bravo']))
})
