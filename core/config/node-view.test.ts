import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bgp, l2, peer, pool, resources } from '../../testkit/resources.ts'
import { compile } from './compile.ts'
import { viewOfNode } from './node-view.ts'

const on = (rack: string) => [{ matchLabels: { rack } }]
const all = resources([
  pool('p'),
  l2('elsewhere', { nodeSelectors: on('b') }),
  bgp('everywhere'),
  bgp('here', { nodeSelectors: on('a') }),
  bgp('elsewhere', { nodeSelectors: on('b') }),
  peer('here', { nodeSelectors: on('a') }),
  peer('elsewhere', { nodeSelectors: on('b'), holdTime: '1s' }),
  peer('nobody-knows', { nodeSelectors: [{ matchLabels: { 'a b': 'c' } }], peerAddress: '198.51.100.9' }),
])

test('a speaker leaves out peers and BGP advertisements of other nodes, and reports nothing of them', () => {
  const { snapshot, problems } = compile(viewOfNode(all, { name: 'one', labels: { rack: 'a' } }))
  assert.deepEqual([...snapshot.bgpAdvertisements.keys()], ['everywhere', 'here'])
  assert.deepEqual([...snapshot.peers.keys()], ['here'])
  assert.deepEqual([...snapshot.l2Advertisements.keys()], ['elsewhere'])
  assert.deepEqual(
    problems.map(({ object }) => object.name),
    ['nobody-knows'],
  )
})
