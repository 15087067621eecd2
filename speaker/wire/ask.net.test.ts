import assert from 'node:assert/strict'
import { afterEach, type TestContext, test } from 'node:test'
import { ArpOperation, encodeArp } from '../../net/arp/index.ts'
import { EtherType, encodeFrame, parseMac } from '../../net/ethernet/index.ts'
import { closeLans, createLan, type Host, type Lan } from '../../testkit/netns.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { startRawHost } from '../../testkit/raw-host.ts'
import { arpIn, CLIENT_MAC_TEXT, ip } from '../../testkit/raw-host-frames.ts'
import { startWireNode, type WireNode } from '../../testkit/wire-node.ts'
import type { Answer } from './messages.ts'

const NOBODYS = '192.0.2.150'
const LIMIT = { timeout: 30_000 }
let questions = 0

afterEach(closeLans)

function rootTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, LIMIT, async (t) => {
    if (requireRoot(t)) await body(t)
  })
}

function lan(): Lan {
  return createLan([
    { name: 'alpha', addresses: ['192.0.2.1/24'] },
    { name: 'client', mac: CLIENT_MAC_TEXT, addresses: ['192.0.2.99/24', '2001:db8::99/64'] },
  ])
}

async function answersTo(node: WireNode, address: string, timeoutMs = 300): Promise<readonly Answer[]> {
  questions += 1
  const answers = node.next('answers', ({ id }) => id === questions)
  node.post({ kind: 'ask', id: questions, ip: address, timeoutMs })
  return (await answers).answers
}

function whoAnswered(answers: readonly Answer[]): string[] {
  return answers.map(({ interface: name, mac }) => `${name} ${mac}`)
}

function arpReply(mac: string, address: string, asker: Host): Uint8Array {
  const packet = {
    operation: ArpOperation.Reply,
    senderMac: parseMac(mac)!,
    senderIp: ip(address),
    targetMac: parseMac(asker.mac)!,
    targetIp: ip('192.0.2.1'),
  }
  const ends = { destination: packet.targetMac, source: packet.senderMac }
  return encodeFrame({ ...ends, etherType: EtherType.Arp, payload: encodeArp(packet) })
}

rootTest('who has an address, in both families: the MAC of the machine that has it, and how fast it was', async () => {
  using segment = lan()
  const alpha = await startWireNode(segment.host('alpha'), { name: 'alpha' })
  for (const address of ['192.0.2.99', '2001:db8::99']) {
    const answers = await answersTo(alpha, address)
    assert.deepEqual(whoAnswered(answers), [`eth0 ${CLIENT_MAC_TEXT}`], address)
    assert.ok(answers[0]!.afterMs > 0 && answers[0]!.afterMs < 300, `${answers[0]!.afterMs} ms`)
  }
})

rootTest('what nobody has, nobody answers for; nor for what is no address', async () => {
  using segment = lan()
  const alpha = await startWireNode(segment.host('alpha'), { name: 'alpha' })
  assert.deepEqual(await answersTo(alpha, NOBODYS), [])
  assert.deepEqual(await answersTo(alpha, '2001:db8::150'), [])
  assert.deepEqual(await answersTo(alpha, 'localhost'), [])
})

rootTest('all that answer are named, each once', async () => {
  using segment = lan()
  const host = segment.host('alpha')
  const client = await startRawHost(segment.host('client'))
  const alpha = await startWireNode(host, { name: 'alpha' })
  const asked = client.next((frame) => arpIn(frame)?.mac === host.mac)
  const answers = answersTo(alpha, NOBODYS)
  await asked
  const macs = ['02:00:00:00:77:01', '02:00:00:00:77:02', '02:00:00:00:77:01']
  for (const mac of macs) client.send('arp', arpReply(mac, NOBODYS, host))
  assert.deepEqual(whoAnswered(await answers), ['eth0 02:00:00:00:77:01', 'eth0 02:00:00:00:77:02'])
  assert.equal(
    alpha.messages.some(({ kind }) => kind === 'conflict'),
    false,
    'the address is not ours to defend',
  )
})

rootTest('an address of its own: this node says so, and names a stranger that answers as well', async () => {
  using segment = lan()
  const host = segment.host('alpha')
  const client = await startRawHost(segment.host('client'))
  const alpha = await startWireNode(host, { name: 'alpha' })
  alpha.desire([NOBODYS], ['alpha'])
  await alpha.owns(NOBODYS)
  assert.deepEqual(await answersTo(alpha, NOBODYS), [{ interface: 'eth0', mac: host.mac, afterMs: 0 }])
  const asked = client.next((frame) => arpIn(frame)?.mac === host.mac && arpIn(frame)?.ip !== NOBODYS)
  const answers = answersTo(alpha, NOBODYS)
  await asked
  client.send('arp', arpReply('02:00:00:00:77:01', NOBODYS, host))
  assert.deepEqual(whoAnswered(await answers), [`eth0 ${host.mac}`, 'eth0 02:00:00:00:77:01'])
})

rootTest('an interface without an IPv4 address asks too', async () => {
  using segment = lan()
  const host = segment.host('alpha')
  host.run('ip', 'address', 'flush', 'dev', 'eth0', 'scope', 'global')
  const alpha = await startWireNode(host, { name: 'alpha' })
  assert.deepEqual(whoAnswered(await answersTo(alpha, '192.0.2.99')), [`eth0 ${CLIENT_MAC_TEXT}`])
})
