/** A new address is asked about before it is announced (RFC 5227 section 2.1.1, RFC 4862 section 5.4), on a real segment. */
import assert from 'node:assert/strict'
import { afterEach, type TestContext, test } from 'node:test'
import { closeLans, createLan } from '../../testkit/netns.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { startRawHost } from '../../testkit/raw-host.ts'
import {
  ask,
  CLIENT_MAC_TEXT,
  isAdvertisement,
  isArpProbe,
  isGratuitous,
  isNdpProbe,
} from '../../testkit/raw-host-frames.ts'
import { startWireNode, type WireNode } from '../../testkit/wire-node.ts'

const IP = '192.0.2.100'
const IP6 = '2001:db8::100'
const LIMIT = { timeout: 60_000 }
const ALPHA = { name: 'alpha', addresses: ['192.0.2.1/24'] }
const CLIENT = { name: 'client', mac: CLIENT_MAC_TEXT, addresses: ['192.0.2.99/24'] }

afterEach(closeLans)

function rootTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, LIMIT, async (t) => {
    if (requireRoot(t)) await body(t)
  })
}

function refused(node: WireNode, ip: string) {
  return node.next('ownership', (message) => message.ip === ip && message.reason.kind === 'address-in-use')
}

rootTest('a free address is asked for first, then announced, in both families', async () => {
  using lan = createLan([ALPHA, CLIENT])
  const client = await startRawHost(lan.host('client'))
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha', probeNewAddresses: true })
  alpha.desire([], ['alpha'])
  const probing = [IP, IP6].map((ip) =>
    alpha.next('ownership', (message) => message.ip === ip && message.reason.kind === 'probing'),
  )
  const announced = [client.next(isGratuitous(IP)), client.next(isAdvertisement(IP6))]
  const owned = [alpha.owns(IP), alpha.owns(IP6)]
  alpha.desireAlso([IP, IP6], ['alpha'])
  assert.ok((await Promise.all(probing)).every(({ owned }) => !owned))
  await Promise.all([...announced, ...owned])
  const before = (isFirst: (typeof client.heard)[number]) => client.heard.slice(0, client.heard.indexOf(isFirst))
  const [gratuitous, advertisement] = [client.heard.find(isGratuitous(IP))!, client.heard.find(isAdvertisement(IP6))!]
  assert.ok(before(gratuitous).filter(isArpProbe(IP)).length >= 2)
  assert.ok(before(advertisement).some(isNdpProbe(IP6)))
  assert.equal(client.heard.filter(isGratuitous(IP, CLIENT_MAC_TEXT)).length, 0)
  assert.equal(await ask(client, IP), lan.host('alpha').mac)
})

rootTest('an address that a stranger has is not announced, and is once the stranger has left', async () => {
  const stranger = { name: 'stranger', addresses: [`${IP}/24`, `${IP6}/64`] }
  using lan = createLan([ALPHA, CLIENT, stranger])
  const { mac } = lan.host('stranger')
  const client = await startRawHost(lan.host('client'))
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha', probeNewAddresses: true })
  alpha.desire([], ['alpha'])
  const verdicts = [refused(alpha, IP), refused(alpha, IP6)]
  const conflicts = [IP, IP6].map((ip) => alpha.next('conflict', (message) => message.ip === ip))
  alpha.desireAlso([IP, IP6], ['alpha'])
  for (const { owned, reason } of await Promise.all(verdicts)) {
    assert.deepEqual({ owned, reason }, { owned: false, reason: { kind: 'address-in-use', mac, interface: 'eth0' } })
  }
  for (const { mac: heard, phase } of await Promise.all(conflicts)) {
    assert.deepEqual({ heard, phase }, { heard: mac, phase: 'probing' })
  }
  assert.equal(await ask(client, IP), mac)
  const alphasMac = lan.host('alpha').mac
  assert.equal(client.heard.some(isGratuitous(IP, alphasMac)), false)

  const resumed = [IP, IP6].flatMap((ip) => [alpha.owns(ip), alpha.next('conflict-over', (over) => over.ip === ip)])
  const announced = client.next(isGratuitous(IP, alphasMac))
  lan.host('stranger').run('ip', 'address', 'flush', 'dev', 'eth0')
  await Promise.all(resumed)
  await announced
  assert.equal(await ask(client, IP), alphasMac)
})
