import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pool, resources } from '../../testkit/resources.ts'
import { compile } from '../config/index.ts'
import { decide } from './decide.ts'
import { explainPools } from './explain.ts'
import { Ledger } from './ledger.ts'
import { requestOf, type ServiceRequest } from './request.ts'

const POOLS = [
  pool('db', {
    addresses: ['198.51.100.0/30'],
    serviceAllocation: { priority: 1, serviceSelectors: [{ matchLabels: { tier: 'db' } }] },
  }),
  pool('full', { addresses: ['203.0.113.7/32'] }),
  pool('hand', { addresses: ['192.0.2.128/30'], autoAssign: false }),
  pool('six', { addresses: ['2001:db8::/64'] }),
  pool('web', { addresses: ['192.0.2.0/30'] }),
]

function ledger(): Ledger {
  const made = new Ledger()
  made.configure(compile(resources(POOLS)).snapshot)
  return made
}

function request(name: string, annotations: Record<string, string> = {}): ServiceRequest {
  return requestOf({
    metadata: { name, namespace: 'default', annotations },
    spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.1'], ports: [{ port: 80 }] },
  })
}

function explained(books: Ledger, asked: ServiceRequest): readonly string[] {
  return explainPools(books, asked, 0).map(({ pool: name, sentence }) => `${name} ${sentence}`)
}

test('every pool is explained, in the order in which they are considered', () => {
  const books = ledger()
  decide(books, request('first'), 0)
  decide(books, request('second'), 0)
  assert.deepEqual(explained(books, request('second')), [
    'db does not select the labels of the Service',
    'full has no IPv4 address left',
    'hand is used on request only (autoAssign: false)',
    'six has no IPv4 addresses',
    'web holds 192.0.2.0',
  ])
})

test('what a new Service would get, and that asking changes nothing', () => {
  const books = ledger()
  const asked = request('new', { 'metallb.io/address-pool': 'hand' })
  const sentences = explained(books, asked)
  assert.equal(sentences[2], 'hand would give 192.0.2.128')
  assert.equal(sentences[4], 'web is not the pool that the Service asks for')
  assert.deepEqual(explained(books, asked), sentences)
})

test('the decision says the same of the pools that it considered', () => {
  const books = ledger()
  const { verdicts } = decide(books, request('first'), 0)
  assert.deepEqual(
    verdicts.map(({ pool: name, refusal }) => [name, refusal?.kind]),
    [
      ['db', 'labels-not-selected'],
      ['hand', 'auto-assign-off'],
      ['full', undefined],
    ],
  )
})
