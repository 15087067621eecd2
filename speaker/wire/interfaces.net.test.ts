/** Interfaces that change under the wire thread, on the real kernel. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, type TestContext, test } from 'node:test'
import { closeLans, createLan, type Host, type Lan } from '../../testkit/netns.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { startRawHost } from '../../testkit/raw-host.ts'
import { ask, CLIENT_MAC_TEXT, isAdvertisement, isGratuitous } from '../../testkit/raw-host-frames.ts'
import { startWireNode, type WireNode } from '../../testkit/wire-node.ts'

const IP = '192.0.2.100'
const IP6 = '2001:db8::100'
const LIMIT = { timeout: 60_000 }

afterEach(closeLans)

function rootTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, LIMIT, async (t) => {
    if (requireRoot(t)) await body(t)
  })
}

function createSegment(): Lan {
  return createLan([
    { name: 'alpha', addresses: ['192.0.2.1/24'] },
    { name: 'client', mac: CLIENT_MAC_TEXT, addresses: ['192.0.2.99/24'] },
  ])
}

async function announcing(host: Host, addresses: readonly string[], exclude = '^lo$'): Promise<WireNode> {
  const alpha = await startWireNode(host, { name: 'alpha', exclude: [exclude] })
  alpha.desire(addresses, ['alpha'])
  await alpha.owns(addresses.at(-1)!)
  return alpha
}

rootTest('an interface that is told to use no ARP is not announced on until it may', async () => {
  using lan = createSegment()
  const host = lan.host('alpha')
  const client = await startRawHost(lan.host('client'))
  const alpha = await announcing(host, [IP])
  const ceased = alpha.owns(IP, false)
  host.run('ip', 'link', 'set', 'eth0', 'arp', 'off')
  await ceased
  await alpha.when('interfaces', ({ interfaces }) => interfaces[0]?.because === 'no-arp')
  const announced = client.next(isGratuitous(IP))
  host.run('ip', 'link', 'set', 'eth0', 'arp', 'on')
  await announced
  assert.equal(await ask(client, IP), host.mac)
})

rootTest('while the link-local address is tentative ARP is answered; NDP from when it is not', async () => {
  using lan = createSegment()
  const host = lan.host('alpha')
  const alpha = await announcing(host, [IP, IP6], '^(lo|late1)$')
  const settings = ['accept_dad=1', 'dad_transmits=3'].map((setting) => `net.ipv6.conf.default.${setting}`)
  host.run('sysctl', '-qw', ...settings)
  host.run('ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1')
  host.run('ip', 'link', 'set', 'late1', 'up')
  const client = await startRawHost(host, 'late1')
  const announced = [client.next(isGratuitous(IP)), client.next(isAdvertisement(IP6))] as const
  host.run('sysctl', '-qw', 'net.ipv6.conf.all.accept_dad=1')
  host.run('ip', 'link', 'set', 'late0', 'up')
  await announced[0]
  const state = () => host.run('ip', '-6', 'address', 'show', 'dev', 'late0')
  assert.match(state(), /tentative/)
  const advertisedAt = (await announced[1]).atMs
  assert.doesNotMatch(state(), /tentative/)
  assert.ok(advertisedAt > (await announced[0]).atMs)
  await alpha.leave()
})

rootTest('an interface made anew under its old name, with its old MAC, is announced on', async () => {
  using lan = createSegment()
  const host = lan.host('alpha')
  const client = await startRawHost(lan.host('client'))
  const alpha = await announcing(host, [IP, IP6])
  const lost = [alpha.owns(IP, false), alpha.owns(IP6, false)]
  const peer = `type veth peer name anew netns ${lan.bridge.name}`
  const plugIn = `ip -n ${lan.bridge.name} link set anew master lan up`
  host.run('sh', '-c', `ip link delete eth0 && ip link add eth0 address ${host.mac} ${peer} && ip link set eth0 up`)
  await Promise.all(lost)
  const announced = [client.next(isGratuitous(IP)), client.next(isAdvertisement(IP6))]
  lan.bridge.run('sh', '-c', plugIn)
  await Promise.all(announced)
  assert.equal(await ask(client, IP), host.mac)
})

rootTest('a renamed interface is announced on under its new name', async () => {
  using lan = createSegment()
  const host = lan.host('alpha')
  const client = await startRawHost(lan.host('client'))
  const alpha = await announcing(host, [IP])
  const renamed = alpha.next('ownership', ({ interfaces }) => interfaces.includes('uplink'))
  host.run('ip', 'link', 'set', 'eth0', 'name', 'uplink')
  await renamed
  assert.equal(await ask(client, IP), host.mac)
})

rootTest('ten thousand IPv6 addresses: every group is joined, and the thread answers meanwhile', async (t) => {
  using lan = createSegment()
  const host = lan.host('alpha')
  const alpha = await announcing(host, [IP])
  const addresses = Array.from({ length: 10_000 }, (_, index) => `2001:db8:1::${(index + 1).toString(16)}`)
  alpha.desire([IP, ...addresses], ['alpha'])
  await alpha.owns(addresses.at(-1)!)
  const waits: number[] = []
  const groups = () => /^\d+\s+eth0\s+ff0200000000000000000001ff00/gm
  const joined = () => readFileSync(`/proc/${alpha.pid}/net/igmp6`, 'utf8').match(groups())?.length ?? 0
  const startedAt = performance.now()
  for (let id = 1; joined() < addresses.length; id++) {
    const askedAt = performance.now()
    alpha.post({ kind: 'ping', id })
    await alpha.next('pong', (pong) => pong.id === id)
    waits.push(performance.now() - askedAt)
  }
  waits.sort((a, b) => a - b)
  const figures = [waits.length / 2, waits.length - 1].map((at) => waits[Math.floor(at)]?.toFixed(1))
  t.diagnostic(`joined after ${(performance.now() - startedAt).toFixed(0)} ms; pongs: median, worst ms ${figures}`)
  assert.equal(joined(), addresses.length)
})
