import assert from 'node:assert/strict'
import { afterEach, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ArpOperation } from '../../net/arp/index.ts'
import { decodeFrame, EtherType, encodeFrame, formatMac, multicastMac, parseMac } from '../../net/ethernet/index.ts'
import { type Address, formatAddress } from '../../net/ip/index.ts'
import { decodeNdpPacket, encodeNdpPacket, solicitedNodeGroup } from '../../net/ndp/index.ts'
import { closeLans, createLan, type Lan } from '../../testkit/netns.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { startRawHost } from '../../testkit/raw-host.ts'
import {
  arpIn,
  arpRequest,
  ask,
  askUntilAnswered,
  CLIENT_MAC,
  CLIENT_MAC_TEXT,
  ip,
  isAdvertisement,
  isGratuitous,
  isReplyFor,
} from '../../testkit/raw-host-frames.ts'
import { startWireNode, type WireNode } from '../../testkit/wire-node.ts'

const IP = '192.0.2.100'
const IP6 = '2001:db8::100'
const LIMIT = { timeout: 60_000 }

afterEach(closeLans)

const NODES = ['alpha', 'bravo', 'charlie']
const MEMBERS = NODES.map((node, index) => ({ node, addresses: [`192.0.2.${index + 1}`] }))

function lanOfNodes(nodes = NODES): Lan {
  const members = nodes.map((name, index) => ({ name, addresses: [`192.0.2.${index + 1}/24`] }))
  return createLan([...members, { name: 'client', mac: CLIENT_MAC_TEXT, addresses: ['192.0.2.99/24'] }])
}

async function startMembers(lan: Lan): Promise<WireNode[]> {
  return Promise.all(NODES.map((name) => startWireNode(lan.host(name), { name, members: MEMBERS })))
}

/** All desire the address, and all agree that the first of them owns it. */
async function agree(nodes: readonly WireNode[]): Promise<void> {
  for (const node of nodes) node.desire([IP], NODES)
  const [owner, ...others] = nodes
  await owner!.when('ownership', ({ owned }) => owned)
  for (const other of others) {
    await other.when('ownership', ({ reason }) => reason.kind === 'lost-election' && reason.owner === owner!.name)
  }
}

async function readIgnored(node: WireNode): Promise<Readonly<Record<string, number>>> {
  const counters = node.next('counters')
  node.post({ kind: 'read-counters', id: 1 })
  return (await counters).counters.ignored
}

function rootTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, LIMIT, async (t) => {
    if (requireRoot(t)) await body(t)
  })
}

rootTest('ARP: answered with our MAC, by broadcast, by unicast and to a probe; nothing else is', async () => {
  using lan = lanOfNodes(['alpha'])
  const client = await startRawHost(lan.host('client'))
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha' })
  const { mac } = lan.host('alpha')
  alpha.desire([IP], ['alpha'])
  await alpha.owns(IP)
  assert.equal(await ask(client, IP), mac)
  assert.equal(await ask(client, IP, { destination: parseMac(mac)! }), mac)
  assert.equal(await ask(client, IP, { sender: ip('0.0.0.0') }), mac)
  // Frames are answered in order: had one of these been answered, it would have come before the last.
  const before = client.heard.filter(({ protocol }) => protocol === 'arp').length
  client.send('arp', arpRequest('192.0.2.101'))
  client.send('arp', arpRequest(IP, { destination: parseMac('02:00:00:00:77:77')! }))
  client.send('arp', arpRequest(IP).slice(0, 30))
  await ask(client, IP)
  const after = client.heard.slice(before).filter((frame) => arpIn(frame)?.isToUs)
  assert.equal(after.filter(isReplyFor(IP)).length, after.length)
  alpha.post({ kind: 'read-counters', id: 1 })
  const { counters } = await alpha.next('counters')
  assert.equal(counters.addresses[0]?.requestsReceived, 4)
  assert.equal(counters.addresses[0]?.responsesSent, 4)
  assert.ok((counters.ignored['arp-not-owned'] ?? 0) >= 1)
})

rootTest('a withdrawn address is answered no more; another still is', async () => {
  using lan = lanOfNodes(['alpha'])
  const client = await startRawHost(lan.host('client'))
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha' })
  alpha.desire([IP, '192.0.2.101'], ['alpha'])
  await alpha.owns('192.0.2.101')
  await ask(client, IP)
  alpha.desire(['192.0.2.101'], ['alpha'])
  alpha.post({ kind: 'ping', id: 9 })
  await alpha.next('pong')
  const from = client.heard.length
  client.send('arp', arpRequest(IP))
  await ask(client, '192.0.2.101')
  assert.equal(client.heard.slice(from).some(isReplyFor(IP)), false)
})

rootTest('a takeover tells the neighbours at once, by request and by reply', async () => {
  using lan = lanOfNodes(['alpha'])
  const client = await startRawHost(lan.host('client'))
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha' })
  const both = [ArpOperation.Request, ArpOperation.Reply].map((operation) =>
    client.next((frame) => isGratuitous(IP)(frame) && arpIn(frame)!.operation === operation),
  )
  alpha.desire([IP], ['alpha'])
  for (const frame of await Promise.all(both)) assert.equal(arpIn(frame)!.mac, lan.host('alpha').mac)
})

rootTest('NDP: solicitations by group, reachability probes and duplicate address detection are answered', async () => {
  using lan = lanOfNodes(['alpha'])
  const client = await startRawHost(lan.host('client'))
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha' })
  const { mac } = lan.host('alpha')
  alpha.desire([IP6], ['alpha'])
  await alpha.owns(IP6)
  const group = solicitedNodeGroup(ip(IP6))
  const source = ip('fe80::99')
  const solicit = (from: Address, to: Address, sourceMac: number | undefined) => {
    const message = { kind: 'solicitation', target: ip(IP6), sourceMac } as const
    const payload = encodeNdpPacket({ source: from, destination: to, message })
    const destination = to === group ? multicastMac(group) : parseMac(mac)!
    return encodeFrame({ destination, source: CLIENT_MAC, etherType: EtherType.Ipv6, payload })
  }
  const answer = async (frame: Uint8Array) => {
    const next = client.next(isAdvertisement(IP6))
    client.send('ndp', frame)
    const { destination, message } = decodeNdpPacket(decodeFrame((await next).bytes).payload)
    if (message.kind !== 'advertisement') return undefined
    const { isSolicited, isOverride, targetMac } = message
    return { to: formatAddress(destination), isSolicited, isOverride, mac: targetMac && formatMac(targetMac) }
  }
  // The burst of the takeover goes to all nodes too: let it pass.
  await delay(5500)
  const solicited = { to: 'fe80::99', isSolicited: true, isOverride: false, mac }
  assert.deepEqual(await answer(solicit(source, group, CLIENT_MAC)), solicited)
  assert.deepEqual(await answer(solicit(source, ip(IP6), undefined)), solicited)
  const defence = { to: 'ff02::1', isSolicited: false, isOverride: true, mac }
  assert.deepEqual(await answer(solicit(ip('::'), group, undefined)), defence)
})

rootTest('the kernel of a client resolves both families', async () => {
  using lan = lanOfNodes(['alpha'])
  const client = lan.host('client')
  client.run('ip', 'address', 'add', '2001:db8::99/64', 'dev', 'eth0', 'nodad')
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha' })
  alpha.desire([IP, IP6], ['alpha'])
  await alpha.owns(IP6)
  for (const target of [IP, IP6]) {
    // Any packet makes the kernel ask; this one nobody answers.
    client.run('sh', '-c', `timeout 1 bash -c 'echo > /dev/tcp/${target}/9' || true`)
    assert.match(client.run('ip', 'neigh', 'show', target), new RegExp(lan.host('alpha').mac))
  }
})

rootTest('an interface that goes down and up, changes its MAC, appears late: answered and announced anew', async () => {
  using lan = lanOfNodes(['alpha'])
  const host = lan.host('alpha')
  const client = await startRawHost(lan.host('client'))
  const alpha = await startWireNode(host, { name: 'alpha' })
  alpha.desire([IP], ['alpha'])
  await alpha.owns(IP)
  const lost = alpha.next('ownership', ({ owned }) => !owned)
  host.run('ip', 'link', 'set', 'eth0', 'down')
  assert.equal((await lost).reason.kind, 'no-usable-interface')
  const back = client.next(isGratuitous(IP))
  host.run('ip', 'link', 'set', 'eth0', 'up')
  await back
  assert.equal(await ask(client, IP), host.mac)

  const renamed = client.next(isGratuitous(IP, '02:00:00:00:55:55'))
  host.run('ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:55:55')
  await renamed
  assert.equal(await ask(client, IP), '02:00:00:00:55:55')

  const pulled = alpha.next('ownership', ({ owned }) => !owned)
  host.unplug()
  await pulled
  const plugged = alpha.owns(IP)
  host.plug()
  await plugged

  const late = alpha.next('ownership', ({ interfaces }) => interfaces.includes('late0'))
  host.run('ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1')
  host.run('ip', 'link', 'set', 'late1', 'up')
  host.run('ip', 'link', 'set', 'late0', 'up')
  await late
  const gone = alpha.next('ownership', ({ interfaces }) => !interfaces.includes('late0'))
  host.run('ip', 'link', 'delete', 'late0')
  await gone
  assert.equal(await ask(client, IP), '02:00:00:00:55:55')
})

rootTest('excluded and enslaved interfaces are not announced on; the bridge they belong to is', async () => {
  using lan = lanOfNodes(['alpha'])
  const host = lan.host('alpha')
  host.run('sh', '-c', 'ip link add br0 type bridge && ip link set br0 up && ip link set eth0 master br0')
  host.run('sh', '-c', 'ip link add veth7 type veth peer name veth8 && ip link set veth7 up && ip link set veth8 up')
  const client = await startRawHost(lan.host('client'))
  const alpha = await startWireNode(host, { name: 'alpha', exclude: ['^veth.*'] })
  const owned = alpha.next('ownership', (message) => message.owned)
  alpha.desire([IP], ['alpha'])
  assert.deepEqual((await owned).interfaces, ['br0'])
  await ask(client, IP)
  const observed = alpha.messages.findLast((message) => message.kind === 'interfaces')
  assert.deepEqual(
    observed?.interfaces.map(({ name, because }) => `${name} ${because}`),
    ['br0 undefined', 'eth0 enslaved'],
  )
})

rootTest('a stranger that claims our address is reported, and told that it is ours', async () => {
  using lan = lanOfNodes(['alpha'])
  const client = await startRawHost(lan.host('client'))
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha' })
  alpha.desire([IP], ['alpha'])
  await alpha.owns(IP)
  const conflict = alpha.next('conflict')
  client.send('arp', arpRequest(IP, { sender: ip(IP) }))
  assert.deepEqual(await conflict, {
    kind: 'conflict',
    ip: IP,
    interface: 'eth0',
    mac: CLIENT_MAC_TEXT,
    phase: 'announcing',
  })
})

rootTest('without NET_RAW: a fault that names the capability, and nothing is claimed', async () => {
  using lan = lanOfNodes(['alpha'])
  const wrapper = ['setpriv', '--bounding-set', '-net_raw']
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha' }, wrapper)
  const verdict = alpha.next('ownership')
  alpha.desire([IP], ['alpha'])
  assert.equal((await verdict).owned, false)
  const fault = alpha.messages.find((message) => message.kind === 'fault')
  assert.equal(fault?.code, 'EPERM')
  assert.match(fault?.message ?? '', /CAP_NET_RAW/)
})

rootTest('three nodes elect one owner; its power is cut: the next answers', async (t) => {
  using lan = lanOfNodes()
  const client = await startRawHost(lan.host('client'))
  const nodes = await startMembers(lan)
  await agree(nodes)
  assert.equal(await ask(client, IP), lan.host('alpha').mac)
  const answers = new Set(client.heard.filter(isReplyFor(IP)).map((frame) => arpIn(frame)!.mac))
  assert.deepEqual([...answers], [lan.host('alpha').mac], 'one answers, not two')

  const successor = client.next(isGratuitous(IP, lan.host('bravo').mac))
  const cutAt = performance.now() + performance.timeOrigin
  await nodes[0]!.kill()
  const darkMs = (await successor).atMs - cutAt
  t.diagnostic(`dark for ${darkMs.toFixed(0)} ms`)
  assert.ok(darkMs < 1000, `${darkMs} ms`)
  assert.equal(await ask(client, IP), lan.host('bravo').mac)
})

rootTest('a node that stood still answers nothing that has waited for it', async (t) => {
  using lan = lanOfNodes()
  const client = await startRawHost(lan.host('client'))
  const nodes = await startMembers(lan)
  await agree(nodes)
  const [alpha] = nodes as [WireNode]
  const alphaMac = lan.host('alpha').mac
  assert.equal(await ask(client, IP), alphaMac)
  const taken = client.next(isGratuitous(IP, lan.host('bravo').mac))
  alpha.freeze()
  await taken
  // These wait in alpha's socket too.
  for (let question = 0; question < 20; question++) assert.equal(await ask(client, IP), lan.host('bravo').mac)
  const from = client.heard.length
  const thawedAt = performance.now() + performance.timeOrigin
  const returned = client.next(isGratuitous(IP, alphaMac))
  alpha.thaw()
  await returned
  const early = client.heard
    .slice(from)
    .filter((frame) => isReplyFor(IP)(frame) && arpIn(frame)!.mac === alphaMac && frame.atMs < thawedAt + 90)
  assert.deepEqual(early, [])
  const ignored = await readIgnored(alpha)
  t.diagnostic(`questions that had waited: ${ignored['arp-stood-still']}`)
  assert.ok((ignored['arp-stood-still'] ?? 0) + (ignored['arp-not-owned'] ?? 0) >= 20)
})

rootTest('a node that leaves hands over: no question stays unanswered', async (t) => {
  using lan = lanOfNodes()
  const client = await startRawHost(lan.host('client'))
  const nodes = await startMembers(lan)
  const [alpha] = nodes as [WireNode]
  await agree(nodes)
  await ask(client, IP)
  const left = alpha.next('left')
  alpha.post({ kind: 'leave' })
  let asked = 0
  let repeated = 0
  for (let isLeft = false; !isLeft; asked++) {
    repeated += (await askUntilAnswered(client, IP)) - 1
    isLeft = await Promise.race([left.then(() => true), delay(5).then(() => false)])
  }
  // A node that stood still, on a machine with too much work, rightly leaves unanswered what has waited for it.
  const stoodStill = (await Promise.all(nodes.map(readIgnored))).reduce(
    (sum, ignored) => sum + (ignored['arp-stood-still'] ?? 0),
    0,
  )
  t.diagnostic(`${asked} questions while it left, ${repeated} repeated; ${stoodStill} met a node that stood still`)
  assert.ok(repeated <= stoodStill)
  assert.equal(await ask(client, IP), lan.host('bravo').mac)
})

rootTest('a pulled cable: the others take over, and the node that is cut off stops claiming', async (t) => {
  using lan = lanOfNodes()
  const client = await startRawHost(lan.host('client'))
  const nodes = await startMembers(lan)
  await agree(nodes)
  const successor = client.next(isGratuitous(IP, lan.host('bravo').mac))
  const ceased = nodes[0]!.owns(IP, false)
  const pulledAt = performance.now() + performance.timeOrigin
  lan.host('alpha').unplug()
  t.diagnostic(`dark for ${((await successor).atMs - pulledAt).toFixed(0)} ms`)
  await ceased
})

rootTest('members that do not hear each other by multicast do by unicast', async () => {
  using lan = lanOfNodes()
  // Nothing but unicast and broadcast passes: an overly clever switch.
  for (const port of NODES) lan.bridge.run('ip', 'link', 'set', port, 'type', 'bridge_slave', 'mcast_flood', 'off')
  const nodes = await startMembers(lan)
  for (const node of nodes) await node.when('members', ({ alive }) => alive.length === 2)
})
