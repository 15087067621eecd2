import assert from 'node:assert/strict'
import { afterEach, type TestContext, test } from 'node:test'
import { closeLans, createLan, type Lan } from '../../../testkit/netns.ts'
import { requireRoot } from '../../../testkit/privilege.ts'
import { startWireNode, type WireNode } from '../../../testkit/wire-node.ts'
import type { GatewayProbe } from '../messages.ts'

const IP = '192.0.2.100'
const GATEWAY = '192.0.2.254'
const NODES = ['alpha', 'bravo']
const ADDRESS_OF: Readonly<Record<string, string>> = { alpha: '192.0.2.1', bravo: '192.0.2.2' }
const LIMIT = { timeout: 20_000 }

afterEach(closeLans)

function rootTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, LIMIT, async (t) => {
    if (requireRoot(t)) await body(t)
  })
}

function createSegment(): Lan {
  const lan = createLan([
    ...NODES.map((name) => ({ name, addresses: [`${ADDRESS_OF[name]}/24`] })),
    { name: 'gateway', addresses: [`${GATEWAY}/24`, '2001:db8::fe/64'] },
  ])
  for (const name of NODES) lan.host(name).run('ip', 'route', 'add', 'default', 'via', GATEWAY)
  return lan
}

/** The gateway's answers to the node go nowhere, or do again; the cable is fine all the time. */
function cutUplink(lan: Lan, node: string, isCut = true): void {
  lan.host('gateway').run('ip', 'route', isCut ? 'add' : 'delete', 'blackhole', `${ADDRESS_OF[node]}/32`)
}

async function start(lan: Lan, targets: GatewayProbe['targets']): Promise<readonly [WireNode, WireNode]> {
  const members = NODES.map((node) => ({ node, addresses: [ADDRESS_OF[node]!] }))
  const gatewayProbe = { targets, intervalMs: 100, missedLimit: 3 }
  const nodes = await Promise.all(NODES.map((name) => startWireNode(lan.host(name), { name, members, gatewayProbe })))
  const reachable = nodes.map((node) => node.when('uplink', (message) => message.reachable))
  await Promise.all(reachable)
  const owned = nodes[0]!.owns(IP)
  for (const node of nodes) node.desire([IP], NODES)
  await owned
  return nodes as unknown as readonly [WireNode, WireNode]
}

function isOwner(node: WireNode): boolean {
  const verdicts = node.messages.filter((message) => message.kind === 'ownership')
  return verdicts.at(-1)?.owned === true
}

rootTest(
  'a node that lost its gateway gives its addresses away, and gets them back when it is there again',
  async () => {
    using lan = createSegment()
    const [alpha, bravo] = await start(lan, 'default-gateway')
    const taken = bravo.owns(IP)
    const lost = alpha.next('uplink')
    cutUplink(lan, 'alpha')
    assert.deepEqual(await lost, { kind: 'uplink', interface: 'eth0', reachable: false, target: GATEWAY })
    await taken
    await alpha.when('ownership', ({ owned }) => !owned)
    const observed = alpha.messages.findLast((message) => message.kind === 'interfaces')
    assert.equal(observed?.interfaces[0]?.because, 'uplink-lost')
    const returned = alpha.owns(IP)
    cutUplink(lan, 'alpha', false)
    await returned
  },
)

rootTest('where all lose the gateway one of them goes on answering', async () => {
  using lan = createSegment()
  const [alpha, bravo] = await start(lan, [GATEWAY, '192.0.2.253'])
  const lost = [alpha, bravo].map((node) => node.next('uplink', ({ reachable }) => !reachable))
  lan.host('gateway').run('ip', 'link', 'set', 'eth0', 'down')
  await Promise.all(lost)
  // Long enough for whoever lost it last to have found that nobody else offers anything.
  const seen = bravo.messages.length
  const ask = async (node: WireNode) => {
    const answers = node.next('answers')
    node.post({ kind: 'ask', id: 1, ip: IP, timeoutMs: 2000 })
    return (await answers).answers
  }
  const answers = await ask(bravo)
  assert.equal(answers.length, 1, `${JSON.stringify(bravo.messages.slice(seen))}`)
  assert.deepEqual([alpha, bravo].map(isOwner).filter(Boolean).length, 1)
})

rootTest('a gateway that has never answered takes nothing away', async () => {
  using lan = createSegment()
  lan.host('gateway').run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all')
  const gatewayProbe = { targets: 'default-gateway', intervalMs: 20, missedLimit: 1 } as const
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha', gatewayProbe })
  alpha.desire([IP], ['alpha'])
  await alpha.owns(IP)
  alpha.post({ kind: 'ask', id: 1, ip: IP, timeoutMs: 500 })
  await alpha.next('answers')
  assert.equal(
    alpha.messages.some(({ kind }) => kind === 'uplink'),
    false,
  )
  assert.ok(isOwner(alpha))
})

rootTest('without anybody who watches the members an uplink is reported and nothing given away', async () => {
  using lan = createSegment()
  lan.host('alpha').run('ip', 'address', 'add', '2001:db8::1/64', 'dev', 'eth0', 'nodad')
  const gatewayProbe = { targets: ['2001:db8::fe'], intervalMs: 100, missedLimit: 2 }
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha', gatewayProbe })
  await alpha.when('uplink', ({ reachable }) => reachable)
  alpha.desire([IP], ['alpha'])
  await alpha.owns(IP)
  const lost = alpha.next('uplink')
  lan.host('gateway').run('ip', 'link', 'set', 'eth0', 'down')
  assert.equal((await lost).reachable, false)
  assert.ok(isOwner(alpha))
})
