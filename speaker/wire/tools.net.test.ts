/** The programs that users look at a LAN with, and what kernels do by themselves, against the wire thread. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, type TestContext, test } from 'node:test'
import { toolPath, toolsEnvironment } from '../../testkit/cluster/tools.ts'
import { closeLans, createLan, type Host, type Lan } from '../../testkit/netns.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { startWireNode, type WireNode } from '../../testkit/wire-node.ts'

const IP = '192.0.2.100'
const IP6 = '2001:db8::100'
const LIMIT = { timeout: 30_000 }

afterEach(closeLans)

function rootTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, LIMIT, async (t) => {
    if (requireRoot(t)) await body(t)
  })
}

function createSegment(): Lan {
  return createLan([
    { name: 'alpha', addresses: ['192.0.2.1/24', '2001:db8::1/64'] },
    { name: 'client', addresses: ['192.0.2.99/24', '2001:db8::99/64'] },
  ])
}

/** Runs a program in the client's place; what it printed and how it ended. */
function run(host: Host, name: string, ...args: string[]): { readonly output: string; readonly status: number } {
  const path = toolPath(name)
  assert.ok(path, `${name} is not there: run \`node build/packages.ts\``)
  try {
    const command = [`--net=${host.path}`, '--', path, ...args]
    return { output: execFileSync('nsenter', command, { encoding: 'utf8', env: toolsEnvironment() }), status: 0 }
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
    return { output: stdout + stderr, status }
  }
}

async function announcing(lan: Lan, addresses: readonly string[]): Promise<WireNode> {
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha' })
  alpha.desire(addresses, ['alpha'])
  await alpha.owns(addresses.at(-1)!)
  return alpha
}

rootTest('arping sees our MAC for an announced address, each time, and nobody for another', async () => {
  using lan = createSegment()
  await announcing(lan, [IP])
  const client = lan.host('client')
  const announced = run(client, 'arping', '-c', '3', '-I', 'eth0', IP)
  assert.equal(announced.output.match(new RegExp(lan.host('alpha').mac, 'g'))?.length, 3, announced.output)
  assert.notEqual(run(client, 'arping', '-c', '1', '-w', '1', '-I', 'eth0', '192.0.2.101').status, 0)
})

rootTest('arping for duplicates, from 0.0.0.0, finds the address in use', async () => {
  using lan = createSegment()
  await announcing(lan, [IP])
  const { output } = run(lan.host('client'), 'arping', '-d', '-S', '0.0.0.0', '-c', '2', '-I', 'eth0', IP)
  assert.match(output, new RegExp(lan.host('alpha').mac))
})

rootTest('ndisc6 sees our MAC for an announced address, and nobody for another', async () => {
  using lan = createSegment()
  await announcing(lan, [IP6])
  const client = lan.host('client')
  const announced = run(client, 'ndisc6', '-1', '-r', '3', IP6, 'eth0')
  assert.match(announced.output.toLowerCase(), new RegExp(lan.host('alpha').mac))
  assert.notEqual(run(client, 'ndisc6', '-1', '-r', '1', '-w', '500', '2001:db8::101', 'eth0').status, 0)
})

rootTest('a kernel that is given the announced IPv6 address finds it taken', async () => {
  using lan = createSegment()
  await announcing(lan, [IP6])
  const client = lan.host('client')
  client.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_dad')
  client.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/accept_dad')
  const watching = client.spawn('ip', ['-6', 'monitor', 'address'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const failed = Promise.withResolvers<void>()
  watching.stdout!.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('dadfailed')) failed.resolve()
  })
  await once(watching, 'spawn')
  client.run('ip', 'address', 'add', `${IP6}/64`, 'dev', 'eth0')
  if (!client.run('ip', '-6', 'address', 'show', 'dev', 'eth0').includes('dadfailed')) await failed.promise
  assert.match(client.run('ip', '-6', 'address', 'show', 'dev', 'eth0'), new RegExp(`${IP6}/64.*dadfailed`))
})
