/** What TCP and the UDP that tells the TTL must withstand; scenarios.ts runs them, in a namespace of their own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { type Arrival, adaptTcp, HopsSocket, listenTcp, TcpDial, type TcpPath, unacknowledgedBytes } from './index.ts'

const PORT = 17_900
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const LOOPBACK_IPV6 = new Uint8Array(16).fill(1, 15)
const now = (): number => performance.now()
const isSanitized = process.env.INVAR_NATIVE !== undefined
const rounds = isSanitized ? 200 : 2_000

function keyOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function pathTo(changes: Partial<TcpPath> = {}): TcpPath {
  const plain = { remote: LOOPBACK, scope: 0, local: undefined, device: undefined, key: undefined }
  return { ...plain, hopLimit: 64, minimumHopLimit: 0, ...changes }
}

/** Resolves with the connection, rejects with the system's word. */
function dial(path: TcpPath): Promise<Socket> {
  return new Promise((resolve, reject) => {
    new TcpDial(path, PORT, resolve, (code) => reject(Object.assign(new Error(code), { code })))
  })
}

async function listening(onConnection: (socket: Socket) => void, family: 4 | 6 = 4): Promise<Server> {
  const server = listenTcp({ family, port: PORT, device: undefined, onConnection, onError: assert.ifError })
  await once(server, 'listening')
  return server
}

/** The other scenarios want none, lest the kernel speaks by itself. */
function enableIpv6(): void {
  execFileSync('sysctl', ['-qw', 'net.ipv6.conf.lo.disable_ipv6=0'])
}

async function bothFamilies(): Promise<void> {
  enableIpv6()
  for (const [family, remote] of [
    [4, LOOPBACK],
    [6, LOOPBACK_IPV6],
  ] as const) {
    const accepted = Promise.withResolvers<Socket>()
    const server = await listening(accepted.resolve, family)
    const socket = await dial(pathTo({ remote, local: remote, device: 'lo', minimumHopLimit: 1 }))
    socket.write('question')
    const [question] = await once(await accepted.promise, 'data')
    assert.equal(String(question), 'question')
    while (unacknowledgedBytes(socket) !== 0) await new Promise(setImmediate)
    socket.destroy()
    server.close()
    await once(server, 'close')
    assert.equal(unacknowledgedBytes(socket), undefined)
  }
}

async function failuresAreNamed(): Promise<void> {
  await assert.rejects(dial(pathTo()), { code: 'ECONNREFUSED' })
  assert.throws(() => new TcpDial(pathTo({ local: Uint8Array.of(192, 0, 2, 1) }), PORT, fail, fail), {
    code: 'EADDRNOTAVAIL',
  })
  assert.throws(() => new TcpDial(pathTo({ device: 'nowhere' }), PORT, fail, fail), { code: 'ENODEV' })
  assert.throws(() => new TcpDial(pathTo({ key: new Uint8Array(81) }), PORT, fail, fail), TypeError)
  assert.throws(() => new TcpDial(pathTo({ remote: new Uint8Array(5) }), PORT, fail, fail), TypeError)
  const server = await listening(fail)
  const again = { family: 4, port: PORT, device: undefined, onConnection: fail, onError: fail } as const
  assert.throws(() => listenTcp(again), { code: 'EADDRINUSE' })
  server.close()
}

async function keysChangeOnLiveConnections(): Promise<void> {
  const accepted = Promise.withResolvers<Socket>()
  const server = await listening(accepted.resolve)
  adaptTcp(server, pathTo({ key: keyOf('first') }))
  const socket = await dial(pathTo({ key: keyOf('first') }))
  const other = await accepted.promise
  adaptTcp(other, pathTo({ key: keyOf('second') }))
  socket.write('waits for the key')
  adaptTcp(socket, pathTo({ key: keyOf('second') }))
  const [heard] = await once(other, 'data')
  assert.equal(String(heard), 'waits for the key')
  for (const each of [socket, other]) each.destroy()
  server.close()
}

async function cancelledDialsSayNothing(): Promise<void> {
  const before = readdirSync('/proc/self/fd').length
  for (let round = 0; round < rounds; round++) {
    const started = new TcpDial(pathTo(), PORT, fail, fail)
    started.cancel()
    started.cancel()
  }
  for (let round = 0; round < rounds; round++) await assert.rejects(dial(pathTo()), { code: 'ECONNREFUSED' })
  assert.equal(readdirSync('/proc/self/fd').length, before)
}

async function timeToLiveIsTold(): Promise<void> {
  enableIpv6()
  for (const [family, host] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    const arrivals: Omit<Arrival, 'senderPort'>[] = []
    const onArrival = ({ bytes, sender, destination, hopLimit, interfaceIndex, ageMs }: Arrival) =>
      arrivals.push({
        ageMs,
        bytes: bytes.slice(),
        sender: sender.slice(),
        destination: destination.slice(),
        hopLimit,
        interfaceIndex,
      })
    const heard = new HopsSocket({
      family,
      port: PORT,
      device: 'lo',
      maxDatagramBytes: 8,
      now,
      onArrival,
      onError: fail,
    })
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6')
    await new Promise<void>((resolve) => socket.bind(0, host, resolve))
    for (const [ttl, text] of [
      [255, 'near'],
      [7, 'from far away'],
    ] as const) {
      socket.setTTL(ttl)
      socket.send(text, PORT, host)
      const count = arrivals.length
      while (arrivals.length === count) await new Promise(setImmediate)
    }
    const address = family === 4 ? LOOPBACK : LOOPBACK_IPV6
    const common = { sender: address, destination: address, interfaceIndex: 1 }
    const { ageMs } = arrivals[0]!
    assert.deepEqual(arrivals[0], { ...common, ageMs, bytes: keyOf('near'), hopLimit: 255 })
    assert.equal(arrivals[1]?.hopLimit, 7)
    socket.close()
    heard.close()
    heard.close()
  }
}

/** More than a batch, and one that has waited: all of it at once, and each says how long. */
async function drainedAtOnce(): Promise<void> {
  const count = 100
  const ages: number[] = []
  const onArrival = ({ bytes, ageMs }: Arrival) => void (bytes[0] === 'x'.charCodeAt(0) && ages.push(ageMs))
  const options = { family: 4, port: PORT, device: 'lo', maxDatagramBytes: 8, now, onArrival, onError: fail } as const
  const heard = new HopsSocket(options)
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  await new Promise<void>((resolve) => socket.connect(PORT, '127.0.0.1', resolve))
  // On the loopback interface what was sent has arrived when the call returns.
  const sent = Array.from({ length: count }, () => new Promise((resolve) => socket.send('x', resolve)))
  const sentAt = performance.now()
  while (performance.now() < sentAt + 30);
  heard.drain()
  assert.equal(ages.length, count)
  const [least, most] = [Math.min(...ages), Math.max(...ages)]
  assert.ok(least >= 30 && most < 5_000, `${least} to ${most} ms`)
  await Promise.all(sent)
  socket.close()
  heard.close()
}

async function closingFromWithin(): Promise<void> {
  const before = readdirSync('/proc/self/fd').length
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  for (let round = 0; round < rounds; round++) {
    const heard = Promise.withResolvers<void>()
    const options = { family: 4, port: PORT, device: undefined, maxDatagramBytes: 8, now, onError: fail } as const
    const hops: HopsSocket = new HopsSocket({
      ...options,
      onArrival() {
        hops.close()
        heard.resolve()
      },
    })
    for (const text of ['one', 'two', 'three']) socket.send(text, PORT, '127.0.0.1')
    await heard.promise
  }
  socket.close()
  await new Promise(setImmediate)
  assert.equal(readdirSync('/proc/self/fd').length, before)
}

function fail(): void {
  assert.fail('nobody was to call this')
}

/** The name of each is the name of its test. */
export const TCP_SCENARIOS: Readonly<Record<string, () => Promise<void>>> = {
  'TCP in both families, from an address and on a device': bothFamilies,
  'TCP that cannot be opened says why': failuresAreNamed,
  'TCP MD5 keys change on a live connection': keysChangeOnLiveConnections,
  'TCP dials that are cancelled or refused leave nothing behind': cancelledDialsSayNothing,
  'UDP tells the TTL, the sender and where it arrived': timeToLiveIsTold,
  'UDP that tells the TTL is drained at once, and tells how long each has waited': drainedAtOnce,
  'UDP that tells the TTL may be closed from within its callback': closingFromWithin,
}
