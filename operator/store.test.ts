import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Store } from './store.ts'

interface Slice {
  readonly service: string
  readonly nodes: readonly string[]
}

function sliceStore(): Store<Slice> {
  return new Store<Slice>({ service: (slice) => [slice.service], node: (slice) => slice.nodes })
}

test('objects are found by key and by each value of an index', () => {
  const store = sliceStore()
  store.set('a', { service: 'web', nodes: ['n1', 'n2'] })
  store.set('b', { service: 'web', nodes: ['n2'] })
  store.set('c', { service: 'mail', nodes: [] })
  assert.deepEqual(store.keysBy('service', 'web'), ['a', 'b'])
  assert.deepEqual(store.keysBy('node', 'n2'), ['a', 'b'])
  assert.deepEqual(store.by('service', 'mail'), [{ service: 'mail', nodes: [] }])
  assert.deepEqual(store.by('service', 'none'), [])
})

test('an index follows replacement and deletion', () => {
  const store = sliceStore()
  const first = { service: 'web', nodes: ['n1'] }
  assert.equal(store.set('a', first), undefined)
  assert.equal(store.set('a', { service: 'mail', nodes: ['n2'] }), first)
  assert.deepEqual(store.keysBy('service', 'web'), [])
  assert.deepEqual(store.keysBy('node', 'n2'), ['a'])
  store.delete('a')
  assert.deepEqual(store.keysBy('node', 'n2'), [])
  assert.equal(store.delete('a'), undefined)
  assert.equal(store.size, 0)
})

test('an index that was not declared is a fault of ours', () => {
  assert.throws(() => sliceStore().by('zone', 'x'), /no index "zone"/)
})
