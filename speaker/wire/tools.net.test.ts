/** The programs that users look at a LAN with, and what kernels do by themselves, against the wire thread. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, type TestContext, test } from 'node:test'
import { toolPath, toolsEnvironment } from '../../testkit/cluster/tools.ts'
import { eventually } from '../../testkit/eventually.ts'
import { closeLans, createLan, type Host, type Lan } from '../../testkit/netns.ts'
import { requireRoot } from '../../testkit/privilege.ts'
import { arpScanFile, segmentEnvironment, segmentProgram } from '../../testkit/segment-programs.ts'
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
    { name: 'alpha', addresses: ['192.0.2.1/24', '2001:db8::1/64'] },
    { name: 'client', addresses: ['192.0.2.99/24', '2001:db8::99/64'] },
  ])
}

/** Runs a program in the client's place; what it printed and how it ended. */
function run(host: Host, name: string, ...args: string[]): { readonly output: string; readonly status: number } {
  const path = toolPath(name)
  assert.ok(path, `${name} is not there: run \`node build/packages.ts\``)
  return execute(host, toolsEnvironment(), [path, ...args])
}

function execute(host: Host, env: NodeJS.ProcessEnv, command: readonly string[]) {
  try {
    const output = execFileSync('nsenter', [`--net=${host.path}`, '--', ...command], { encoding: 'utf8', env })
    return { output, status: 0 }
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

rootTest('arp-scan of the segment finds the announced addresses once each, at our MAC', async () => {
  using lan = createSegment()
  await announcing(lan, [IP, '192.0.2.102'])
  const files = [`--ouifile=${arpScanFile('ieee-oui.txt')}`, `--macfile=${arpScanFile('mac-vendor.txt')}`]
  const command = [segmentProgram('arp-scan'), ...files, '--interface=eth0', '--plain', '192.0.2.0/24']
  const { output } = execute(lan.host('client'), segmentEnvironment(), command)
  const found = output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t').slice(0, 2).join(' '))
  const { mac } = lan.host('alpha')
  assert.deepEqual(found.sort(), [`192.0.2.1 ${mac}`, `192.0.2.100 ${mac}`, `192.0.2.102 ${mac}`])
})

rootTest('keepalived that takes the announced address is reported with its MAC', async () => {
  using lan = createSegment()
  const alpha = await announcing(lan, [IP])
  const conflict = alpha.next('conflict')
  const keepalived = startKeepalived(lan.host('client'))
  const { kind, ip, mac, phase } = await conflict
  assert.deepEqual(
    { kind, ip, mac, phase },
    { kind: 'conflict', ip: IP, mac: lan.host('client').mac, phase: 'announcing' },
  )
  await stopped(keepalived)
})

rootTest('an address that keepalived has is not announced, until keepalived gives it up', async () => {
  using lan = createSegment()
  const client = lan.host('client')
  const keepalived = startKeepalived(client)
  await eventually(() => assert.match(client.run('ip', 'address', 'show', 'dev', 'eth0'), new RegExp(`${IP}/24`)))
  const alpha = await startWireNode(lan.host('alpha'), { name: 'alpha', probeNewAddresses: true })
  alpha.desire([], ['alpha'])
  const refused = alpha.next('ownership', ({ reason }) => reason.kind === 'address-in-use')
  alpha.desireAlso([IP], ['alpha'])
  const { owned, reason } = await refused
  assert.deepEqual(
    { owned, reason },
    { owned: false, reason: { kind: 'address-in-use', mac: client.mac, interface: 'eth0' } },
  )
  const resumed = alpha.owns(IP)
  await stopped(keepalived)
  await resumed
})

/** A VRRP instance alone on the segment: it becomes master, takes the address and tells everybody. */
function startKeepalived(host: Host): ChildProcess {
  const folder = mkdtempSync(join(tmpdir(), 'invar-keepalived-'))
  const configuration = `vrrp_instance test {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 200
  advert_int 0.1
  version 3
  virtual_ipaddress {
    ${IP}/24
  }
}
`
  writeFileSync(join(folder, 'keepalived.conf'), configuration)
  const files = [
    `--use-file=${join(folder, 'keepalived.conf')}`,
    `--pid=${join(folder, 'keepalived.pid')}`,
    `--vrrp_pid=${join(folder, 'vrrp.pid')}`,
  ]
  const command = [...files, '--vrrp', '--dont-fork', '--log-console', '--no-syslog']
  const child = host.spawn(segmentProgram('keepalived'), command, { stdio: 'ignore', env: segmentEnvironment() })
  child.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return child
}

/** It gives its address up first. */
async function stopped(keepalived: ChildProcess): Promise<void> {
  const ended = once(keepalived, 'exit')
  keepalived.kill('SIGTERM')
  await ended
}
