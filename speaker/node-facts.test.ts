import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parseSockets, readNodeFacts } from './node-facts.ts'

const HEADING = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
/** Ports 9120 (0x23A0) and 179 (0x00B3) in LISTEN, and a connection from port 179. */
const TCP = `${HEADING}\
   0: 00000000:23A0 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 4711 1 0000 100 0 0 10 0
   1: 00000000:00B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000 100 0 0 10 0
   2: 0A0000C0:00B3 010000C0:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000 100 0 0 10 0
`
const UDP6 = `${HEADING}\
 100: 00000000000000000000000000000000:1F0A 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000 65532 0 4714 2 0 0
`

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** A procfs with these files. */
function proc(files: Readonly<Record<string, string>>, sockets: readonly number[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'invar-proc-'))
  folders.push(folder)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  mkdirSync(join(folder, 'self/fd'), { recursive: true })
  for (const [index, inode] of sockets.entries()) {
    symlinkSync(`socket:[${inode}]`, join(folder, 'self/fd', String(index)))
  }
  return folder
}

const conf = (name: string, [rp, ignore, announce]: readonly [number, number, number]) => ({
  [`sys/net/ipv4/conf/${name}/rp_filter`]: `${rp}\n`,
  [`sys/net/ipv4/conf/${name}/arp_ignore`]: `${ignore}\n`,
  [`sys/net/ipv4/conf/${name}/arp_announce`]: `${announce}\n`,
})

const PORTS = [
  { purpose: 'metrics', protocol: 'tcp', port: 9120 },
  { purpose: 'BGP', protocol: 'tcp', port: 179 },
  { purpose: 'heartbeats', protocol: 'udp', port: 7946 },
  { purpose: 'health', protocol: 'tcp', port: 17_472 },
] as const

describe('facts of a node', () => {
  test('settings of every interface, IPVS, forwarding', () => {
    const files = { ...conf('all', [1, 0, 0]), ...conf('eth0', [2, 1, 2]), ...conf('kube-ipvs0', [0, 0, 0]) }
    const facts = readNodeFacts([], proc({ ...files, ...conf('default', [1, 1, 1]), 'sys/net/ipv4/ip_forward': '1\n' }))
    assert.deepEqual(facts, {
      links: [
        { name: 'all', rpFilter: 1, arpIgnore: 0, arpAnnounce: 0 },
        { name: 'eth0', rpFilter: 2, arpIgnore: 1, arpAnnounce: 2 },
        { name: 'kube-ipvs0', rpFilter: 0, arpIgnore: 0, arpAnnounce: 0 },
      ],
      ...{ forwards: true, hasIpvs: true, ports: [] },
    })
  })

  test('who holds a port', () => {
    const { ports } = readNodeFacts(PORTS, proc({ 'self/net/tcp': TCP, 'self/net/udp6': UDP6 }, [4711]))
    assert.deepEqual(
      ports.map(({ purpose, heldBy }) => [purpose, heldBy]),
      [
        ['metrics', 'us'],
        ['BGP', 'others'],
        ['heartbeats', 'others'],
        ['health', 'nobody'],
      ],
    )
  })

  test('a connection holds no port', () => {
    assert.deepEqual(
      parseSockets(TCP, '0A').map(({ port }) => port),
      [9120, 179],
    )
  })

  test('a kernel that shows nothing', () => {
    assert.deepEqual(readNodeFacts([], proc({})), { links: [], forwards: false, hasIpvs: false, ports: [] })
  })

  test('of this machine: its own sockets are its own', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { links, ports } = readNodeFacts([{ purpose: 'health', protocol: 'tcp', port }])
    server.close()
    assert.ok(links.some(({ name }) => name === 'all') && links.some(({ name }) => name === 'lo'))
    assert.deepEqual(
      ports.map(({ heldBy }) => heldBy),
      ['us'],
    )
  })
})
