import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Service, Store } from '../operator/index.ts'
import { BY_ADDRESS, incumbentsOf, sharersOf, shownAddresses } from './incumbents.ts'
import type { StoredReport } from './layer2-reports.ts'
import { BY_REPORTED_SERVICE, reportedServiceKeys } from './reported-service.ts'

const services = new Store<Service>({ [BY_ADDRESS]: shownAddresses })
for (const [name, ips] of Object.entries({
  web: ['192.0.2.10', '2001:db8::10'],
  sharer: ['192.0.2.10'],
  db: ['192.0.2.11'],
})) {
  services.set(`default/${name}`, {
    metadata: { name, namespace: 'default' },
    status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
  })
}

/** Reports by name: the Service, the node (absent = it names none), the second in which it was created. */
function reports(all: Readonly<Record<string, [service: string, node: string | undefined, second: number]>>) {
  const store = new Store<StoredReport>({ [BY_REPORTED_SERVICE]: reportedServiceKeys })
  for (const [name, [service, node, second]] of Object.entries(all)) {
    const creationTimestamp = `2026-01-01T00:00:0${second}Z`
    const metadata = { name, namespace: 'metallb-system', creationTimestamp }
    const status = { ...(node && { node }), serviceName: service, serviceNamespace: 'default' }
    store.set(name, { metadata, status } as unknown as StoredReport)
  }
  return store
}

describe('who is to keep an address', () => {
  const CASES: readonly [about: string, Parameters<typeof reports>[0], expected: string][] = [
    ['nobody, where nobody reports', {}, ''],
    ['who reports', { a: ['web', 'alpha', 1] }, 'alpha'],
    ['of two the newer', { a: ['web', 'alpha', 1], b: ['web', 'bravo', 2] }, 'bravo alpha'],
    ['of two of one second the first by name', { b: ['web', 'bravo', 1], a: ['web', 'alpha', 1] }, 'alpha bravo'],
    ['who answers for a Service that shares an address', { a: ['sharer', 'alpha', 1] }, 'alpha'],
    ['not who reports that it may not answer', { a: ['web', undefined, 1] }, ''],
    ['not who answers for another Service', { a: ['db', 'alpha', 1] }, ''],
    ['each once', { a: ['web', 'alpha', 1], b: ['sharer', 'alpha', 2] }, 'alpha'],
  ]
  for (const [about, known, expected] of CASES) {
    test(about, () => {
      assert.equal(incumbentsOf('default/web', { services, reports: reports(known) }).join(' '), expected)
    })
  }

  test('sharers are those that show an address of it', () => {
    assert.deepEqual(sharersOf('default/web', services), ['default/web', 'default/sharer'])
    assert.deepEqual(sharersOf('default/db', services), ['default/db'])
    assert.deepEqual(sharersOf('default/gone', services), ['default/gone'])
  })
})
