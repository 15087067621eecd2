import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Service, Store } from '../operator/index.ts'
import { AssumedServices } from './assumed-services.ts'

function web(resourceVersion: string, ip: string, uid = 'u'): Service {
  return {
    metadata: { name: 'web', namespace: 'default', uid, resourceVersion },
    status: { loadBalancer: { ingress: ip === '' ? [] : [{ ip }] } },
  }
}

function addressOf(service: Service | undefined): string | undefined {
  return service?.status?.loadBalancer?.ingress?.[0]?.ip
}

type Row = readonly [about: string, seen: Service | undefined, written: Service, expected: string | undefined]

const ROWS: readonly Row[] = [
  ['the informer lags behind our write: our write counts', web('10', ''), web('11', '192.0.2.1'), '192.0.2.1'],
  ['the informer shows our write', web('11', '192.0.2.1'), web('11', '192.0.2.1'), '192.0.2.1'],
  ['somebody wiped it since', web('12', ''), web('11', '192.0.2.1'), undefined],
  ['versions are numbers: 9 is older than 10', web('9', ''), web('10', '192.0.2.1'), '192.0.2.1'],
  ['another Service of the same name', web('5', '', 'other'), web('11', '192.0.2.1'), undefined],
  ['deleted meanwhile', undefined, web('11', '192.0.2.1'), undefined],
]

for (const [about, seen, written, expected] of ROWS) {
  test(about, () => {
    const store = new Store<Service>()
    if (seen !== undefined) store.set('default/web', seen)
    const assumed = new AssumedServices(store)
    assumed.wrote(written, true)
    assert.equal(addressOf(assumed.get('default/web')), expected)
  })
}

test('once the informer has caught up, an old write never comes back', () => {
  const store = new Store<Service>()
  const assumed = new AssumedServices(store)
  store.set('default/web', web('12', '192.0.2.2'))
  assumed.wrote(web('11', '192.0.2.1'), true)
  assert.equal(addressOf(assumed.get('default/web')), '192.0.2.2')
  store.set('default/web', web('3', ''))
  assert.equal(addressOf(assumed.get('default/web')), undefined)
})

type CatchUp = readonly [about: string, seen: Service, isSettled: boolean, expected: boolean]

const CATCH_UPS: readonly CatchUp[] = [
  ['the informer shows our write: nothing is new', web('11', '192.0.2.1'), true, true],
  ['what we wrote was changed on its way', web('11', '192.0.2.9'), false, false],
  ['the informer lags behind: what it shows is of others', web('10', ''), true, false],
  ['somebody has written since', web('12', '192.0.2.1'), true, false],
  ['another Service of the same name', web('11', '192.0.2.1', 'other'), true, false],
]

for (const [about, seen, isSettled, expected] of CATCH_UPS) {
  test(`catching up: ${about}`, () => {
    const store = new Store<Service>()
    const assumed = new AssumedServices(store)
    store.set('default/web', seen)
    assumed.wrote(web('11', '192.0.2.1'), isSettled)
    assert.equal(assumed.caughtUp('default/web'), expected)
    assert.equal(assumed.caughtUp('default/web'), false, 'once a write')
  })
}
