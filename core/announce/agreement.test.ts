import assert from 'node:assert/strict'
import fc from 'fast-check'
import { announcedService, clusterView, endpointsOn, type NodeWords } from '../../testkit/announce-world.ts'
import { property } from '../../testkit/property.ts'
import { l2, pool } from '../../testkit/resources.ts'
import { decideLayer2, type Layer2Decision } from './layer2.ts'
import { EXCLUDE_LABEL } from './reasons.ts'

/** Every speaker sees the cluster through its own informers: what they compute must not depend on the order. */

const node: fc.Arbitrary<NodeWords> = fc.record({
  labels: fc.constantFrom({}, { zone: '1' }, { zone: '2' }, { zone: '1', [EXCLUDE_LABEL]: '' }),
  networkUnavailable: fc.boolean(),
  cordoned: fc.boolean(),
  interfaces: fc.constantFrom(['eth0'], ['eth1'], ['eth0', 'eth1']),
})
/** Reports, the newest first. */
const incumbents = fc.uniqueArray(fc.constantFrom('alpha', 'bravo', 'charlie', 'zulu'), { maxLength: 2 })
const names = fc.uniqueArray(fc.constantFrom('alpha', 'bravo', 'charlie', 'delta', 'echo'), { minLength: 1 })
const cluster = names.chain((known) => fc.tuple(...known.map((name) => fc.tuple(fc.constant(name), node))))
const ip = fc.integer({ min: 1, max: 254 }).map((last) => `192.0.2.${last}`)

const CONFIGURATION = [
  pool('web'),
  l2('all', { interfaces: ['eth0'] }),
  l2('zone', {
    nodeSelectors: [{ matchLabels: { zone: '1' } }],
    interfaces: ['eth1'],
    preferredNodeSelectors: [{ weight: 5, preference: {} }],
  }),
]

function decided(
  nodes: readonly (readonly [string, NodeWords])[],
  address: string,
  local: boolean,
  holders: readonly string[] = [],
): Layer2Decision {
  const service = announcedService({ ingress: [address], policy: local ? 'Local' : 'Cluster' })
  const view = clusterView(CONFIGURATION, Object.fromEntries(nodes))
  return decideLayer2(service, endpointsOn('alpha', 'bravo'), view, holders)
}

property(
  'all speakers agree, in whatever order they learned of the nodes',
  [cluster, ip, fc.boolean(), incumbents],
  (...values) => {
    const [nodes, address, local, holders] = values
    assert.deepEqual(decided(nodes, address, local, holders), decided([...nodes].reverse(), address, local, holders))
  },
)

property(
  'a holder keeps the address when another node joins, unless that one is preferred or the holder is to be emptied',
  [cluster, ip],
  (nodes, address) => {
    const joining = nodes.at(-1)!
    const before = decided(nodes.slice(0, -1), address, false)
    if (before.kind === 'silent') return
    const holder = before.candidates[0]!
    const after = decided(nodes, address, false, [holder])
    assert.ok(after.kind === 'announce')
    const words: ReadonlyMap<string, NodeWords> = new Map(nodes)
    const isEqual = words.get(holder)!.labels?.zone === joining[1].labels?.zone
    if (isEqual && !words.get(holder)!.cordoned) assert.equal(after.candidates[0], holder)
  },
)

property(
  'every node is a candidate or excluded with a reason, never both',
  [cluster, ip, fc.boolean()],
  (...values) => {
    const [nodes, address, local] = values
    const decision = decided(nodes, address, local)
    const candidates = decision.kind === 'announce' ? decision.candidates : []
    const known = [...candidates, ...decision.excluded.map((excluded) => excluded.node)].sort()
    assert.deepEqual(known, nodes.map(([name]) => name).sort())
  },
)

property('when a candidate leaves, the order of the others stays', [cluster, ip, incumbents], (...values) => {
  const [nodes, address, holders] = values
  const before = decided(nodes, address, false, holders)
  if (before.kind === 'silent') return
  const gone = before.candidates[0]!
  const after = decided(
    nodes.filter(([name]) => name !== gone),
    address,
    false,
    holders,
  )
  const left = before.candidates.slice(1)
  assert.deepEqual(after.kind === 'announce' ? after.candidates : [], left)
})
