/**
 * What the addon must withstand, each on the real kernel. A test starts this file in a network namespace of its own,
 * `unshare --net -- node native/scenarios.ts NAME`; so does the test with sanitizers. A veth pair, `left` and `right`,
 * lies in that one namespace: what is sent on one end is heard on the other.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import {
  InterfaceMonitor,
  type Interfaces,
  MulticastGroups,
  PacketLanes,
  PacketSocket,
  type PacketSocketOptions,
} from './index.ts'
import { TCP_SCENARIOS } from './tcp-scenarios.ts'

const LEFT = 10
const RIGHT = 11
/** The sanitizer's library is for this process and for those that load the addon, not for every program they start. */
const { LD_PRELOAD: preloaded, ...plainEnvironment } = process.env
/** Number of the last frame. */
const LAST = 0xffff_ffff
const THIS_FILE = fileURLToPath(import.meta.url)
/** Fewer rounds where every memory access is watched. */
const isSanitized = process.env.INVAR_NATIVE !== undefined
const packets = isSanitized ? 10_000 : 100_000
const rounds = isSanitized ? 200 : 1000

function ip(command: string): string {
  return execFileSync('ip', command.split(' '), { encoding: 'utf8' })
}

function createPair(): void {
  ip('link set lo up')
  // Without IPv6 the kernel sends nothing of its own on the pair.
  for (const scope of ['all', 'default']) execFileSync('sysctl', ['-qw', `net.ipv6.conf.${scope}.disable_ipv6=1`])
  ip(`link add left index ${LEFT} type veth peer name right index ${RIGHT}`)
  ip('link set left up')
  ip('link set right up')
  // The kernel takes up sending on an interface a moment after it has a carrier, and until then drops.
  while (['left', 'right'].some((name) => !ip(`link show ${name}`).includes('state UP')));
}

/** A socket that keeps a copy of each frame it hears, and tells when it has so many. */
class Listener {
  readonly frames: Uint8Array[] = []
  readonly socket: PacketSocket
  readonly down: Promise<string>
  #wanted = Number.POSITIVE_INFINITY
  #reached: () => void = () => undefined

  constructor(interfaceIndex: number, options: Partial<PacketSocketOptions> = {}) {
    const down = Promise.withResolvers<string>()
    this.down = down.promise
    const onFrames = (count: number) => this.#keep(count)
    this.socket = new PacketSocket({ interfaceIndex, protocol: 'arp', onFrames, onDown: down.resolve, ...options })
  }

  async heard(count: number): Promise<void> {
    if (this.frames.length >= count) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wanted = count
    this.#reached = resolve
    await promise
  }

  #keep(count: number): number {
    const { bytes, lengths, slotBytes } = this.socket.received
    for (let slot = 0; slot < count; slot++)
      this.frames.push(bytes.slice(slot * slotBytes, slot * slotBytes + lengths[slot]!))
    if (this.frames.length >= this.#wanted) this.#reached()
    return 0
  }
}

/** A broadcast frame of 60 bytes with a number in its last four. */
function frame(number: number, etherType = 0x0806): Uint8Array {
  const bytes = new Uint8Array(60).fill(0xff, 0, 6)
  const view = new DataView(bytes.buffer)
  bytes.set([2, 0, 0, 0, 0, 1], 6)
  view.setUint16(12, etherType)
  view.setUint32(56, number)
  return bytes
}

function numberIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(56)
}

function send(socket: PacketSocket, frames: readonly Uint8Array[]): number {
  const { bytes, lengths, slotBytes } = socket.sending
  let taken = 0
  for (let first = 0; first < frames.length; first += lengths.length) {
    const batch = frames.slice(first, first + lengths.length)
    for (const [slot, content] of batch.entries()) {
      bytes.set(content, slot * slotBytes)
      lengths[slot] = content.length
    }
    taken += socket.send(batch.length)
  }
  return taken
}

function numbered(count: number, from = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => frame(from + index))
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Descriptors are closed by other threads, a moment after their sockets. */
async function descriptorsAtMost(count: number): Promise<void> {
  for (const until = performance.now() + 60_000; openDescriptors() > count && performance.now() < until; ) await turn()
  assert.ok(openDescriptors() <= count, `${openDescriptors()} descriptors, ${count} expected`)
}

/** One round trip of the event loop, so that closed handles are gone. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function framesInOrder(): Promise<void> {
  const left = new Listener(LEFT)
  const right = new Listener(RIGHT)
  assert.equal(send(left.socket, numbered(200)), 200)
  await right.heard(200)
  assert.deepEqual(
    right.frames.map(numberIn),
    Array.from({ length: 200 }, (_, index) => index),
  )
  assert.equal(left.frames.length, 0, 'its own frames are not heard')
  assert.equal(left.socket.statistics()?.sent, 200)
}

async function repliesFromTheCallback(): Promise<void> {
  const left = new Listener(LEFT)
  const right: PacketSocket = new PacketSocket({
    interfaceIndex: RIGHT,
    protocol: 'arp',
    onDown: assert.fail,
    onFrames(count) {
      const { bytes, slotBytes } = right.received
      for (let slot = 0; slot < count; slot++) {
        const number = numberIn(bytes.subarray(slot * slotBytes))
        right.sending.bytes.set(frame(number + 1000), slot * right.sending.slotBytes)
        right.sending.lengths[slot] = 60
      }
      return count
    },
  })
  send(left.socket, numbered(3))
  await left.heard(3)
  assert.deepEqual(left.frames.map(numberIn), [1000, 1001, 1002])
}

async function filtersRejectTheRest(): Promise<void> {
  const left = new Listener(LEFT)
  const arp = new Listener(RIGHT)
  const ndp = new Listener(RIGHT, { protocol: 'ndp' })
  const ipv6 = (nextHeader: number, type: number, number: number) => {
    const bytes = frame(number, 0x86dd)
    bytes[20] = nextHeader
    bytes[54] = type
    return bytes
  }
  const otherHost = frame(6)
  otherHost.set([2, 0, 0, 0, 0, 99])
  send(left.socket, [frame(1, 0x0800), otherHost, ipv6(58, 128, 2), ipv6(17, 135, 3), frame(0, 0x86dd).slice(0, 50)])
  send(left.socket, [ipv6(58, 135, 4), ipv6(58, 136, 5), frame(7)])
  await arp.heard(1)
  await ndp.heard(2)
  assert.deepEqual(arp.frames.map(numberIn), [7])
  assert.deepEqual(ndp.frames.map(numberIn), [4, 5])
}

async function closeWhilePacketsArrive(): Promise<void> {
  const left = new Listener(LEFT)
  for (let round = 0; round < 50; round++) {
    const heard = Promise.withResolvers<void>()
    let calls = 0
    const right: PacketSocket = new PacketSocket({
      interfaceIndex: RIGHT,
      protocol: 'arp',
      onDown: assert.fail,
      onFrames(count) {
        calls += 1
        right.close()
        heard.resolve()
        return count
      },
    })
    const closedFromOutside = new Listener(RIGHT)
    send(left.socket, numbered(500))
    closedFromOutside.socket.close()
    await heard.promise
    await turn()
    assert.equal(calls, 1)
    assert.equal(closedFromOutside.frames.length, 0)
    assert.equal(right.send(1), 0)
    assert.equal(right.statistics(), undefined)
    right.close()
  }
}

async function interfaceDisappears(): Promise<void> {
  const left = new Listener(LEFT)
  const right = new Listener(RIGHT)
  const downed = new Listener(RIGHT)
  send(left.socket, numbered(10))
  ip('link delete left')
  assert.deepEqual(await Promise.all([left.down, right.down, downed.down]), ['ENETDOWN', 'ENETDOWN', 'ENETDOWN'])
  assert.equal(left.socket.send(1), 0)
  assert.throws(() => new Listener(LEFT), { code: 'ENODEV' })
}

async function interfaceGoesDown(): Promise<void> {
  const left = new Listener(LEFT)
  ip('link set left down')
  assert.equal(await left.down, 'ENETDOWN')
  const whileDown = new Listener(LEFT)
  assert.equal(await whileDown.down, 'ENETDOWN')
  ip('link set left up')
  const again = new Listener(LEFT)
  const right = new Listener(RIGHT)
  send(again.socket, numbered(1))
  await right.heard(1)
}

async function fullReceiveBuffer(): Promise<void> {
  const left = new Listener(LEFT)
  const right = new Listener(RIGHT, { receiveBufferBytes: 65536 })
  // The loop does not turn meanwhile, so nothing is read.
  send(left.socket, numbered(5000))
  const lost = () => right.socket.statistics()!.kernelDrops
  while (right.frames.length + lost() < 5000) await turn()
  assert.ok(lost() > 0, 'the kernel drops and says so')
  assert.equal(right.frames.length + lost(), 5000)
  send(left.socket, numbered(1, 7_000_000))
  await right.heard(right.frames.length + 1)
  assert.equal(numberIn(right.frames.at(-1)!), 7_000_000)
}

/** One source sends more than its lane can take; who shares no lane with it is heard in full. */
async function lanesKeepSourcesApart(): Promise<void> {
  const sources = 50
  const lanesOf = new Map<number, Set<PacketSocket>>()
  let heard = 0
  const last = Promise.withResolvers<void>()
  const lanes = new PacketLanes({
    interfaceIndex: RIGHT,
    protocol: 'arp',
    secret: 0x9e37_79b1,
    receiveBufferBytes: 1 << 16,
    onDown: last.reject,
    onFrames(lane, count) {
      const { bytes, slotBytes } = lane.received
      for (let slot = 0; slot < count; slot++) {
        const source = bytes[slot * slotBytes + 11]!
        if (source > 0) heard += 1
        lanesOf.set(source, (lanesOf.get(source) ?? new Set()).add(lane))
        if (numberIn(bytes.subarray(slot * slotBytes, (slot + 1) * slotBytes)) === LAST) last.resolve()
      }
      return 0
    },
  })
  const left = new Listener(LEFT)
  const from = (source: number, number: number) => {
    const bytes = frame(number)
    bytes[11] = source
    return bytes
  }
  const others = Array.from({ length: sources }, (_, index) => index + 1)
  // Nothing is read before this function waits.
  send(
    left.socket,
    Array.from({ length: 5000 }, (_, number) => from(0, number)),
  )
  send(
    left.socket,
    others.map((source) => from(source, source === sources ? LAST : source)),
  )
  await last.promise
  await turn()
  const flooded = [...(lanesOf.get(0) ?? [])]
  assert.equal(flooded.length, 1)
  assert.ok(flooded[0]!.statistics()!.kernelDrops > 0, 'the lane of the flood is full')
  const lost = others.filter((source) => !lanesOf.has(source)).length
  assert.equal(heard, sources - lost, 'no frame on two lanes')
  assert.ok([...lanesOf.values()].every(({ size }) => size === 1))
  assert.ok(new Set([...lanesOf.values()].flatMap((one) => [...one])).size >= 4, 'sources are spread')
  assert.ok(lost < sources / 2, `${lost} of ${sources} shared the lane of the flood`)
  lanes.close()
  left.socket.close()
}

async function fullSendBuffer(): Promise<void> {
  // A slow device: what it has not sent yet fills the send buffer.
  execFileSync('tc', 'qdisc add dev left root tbf rate 2mbit burst 3000 limit 10000000'.split(' '))
  const left = new Listener(LEFT, { queueCapacity: 100 })
  const right = new Listener(RIGHT)
  const taken = send(left.socket, numbered(1000))
  const full = left.socket.statistics()!
  assert.ok(taken > 0 && taken < 900, `${taken} of 1000 were taken at once`)
  assert.equal(full.waiting, 100)
  assert.equal(full.lostQueueFull, 1000 - taken - 100)
  await right.heard(taken + 100)
  assert.deepEqual(
    right.frames.map(numberIn),
    Array.from({ length: taken + 100 }, (_, index) => index),
    'in order',
  )
  const drained = left.socket.statistics()!
  assert.deepEqual([drained.sent, drained.queued, drained.waiting], [taken + 100, 100, 0])
}

async function deviceQueueFull(): Promise<void> {
  execFileSync('tc', 'qdisc add dev left root tbf rate 8kbit burst 120 limit 240'.split(' '))
  const left = new Listener(LEFT)
  send(left.socket, numbered(100))
  const statistics = left.socket.statistics()!
  assert.ok(statistics.lostRefused > 80, 'refused frames are counted, not retried for ever')
  assert.equal(statistics.sent + statistics.lostRefused, 100)
}

async function noPermission(): Promise<void> {
  const script = `const { PacketSocket } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)})
    try { new PacketSocket({ interfaceIndex: ${LEFT}, protocol: 'arp', onFrames: () => 0, onDown: () => {} }) }
    catch (error) { console.log(JSON.stringify([error.code, error.message])) }`
  const options = ['--bounding-set', '-net_raw', process.execPath, '--input-type=module', '-e', script]
  const env = preloaded === undefined ? plainEnvironment : { ...plainEnvironment, LD_PRELOAD: preloaded }
  const [code, message] = JSON.parse(execFileSync('setpriv', options, { encoding: 'utf8', env }))
  assert.equal(code, 'EPERM')
  assert.match(message, /CAP_NET_RAW/)
}

/** In each worker: a listener on the right, and a thread that ends without closing it. */
function workerMain(): void {
  const listener = new Listener(RIGHT)
  const monitor = new InterfaceMonitor(() => monitor.resynchronize(), assert.fail)
  new MulticastGroups(1).join(new Uint8Array(16).fill(1).fill(0xff, 0, 1).fill(2, 1, 2))
  parentPort!.postMessage('open')
  parentPort!.once('message', () => process.exit(0))
  void listener.heard(1).then(() => parentPort!.postMessage('heard'))
}

async function threadsEndWithOpenSockets(): Promise<void> {
  const left = new Listener(LEFT)
  const before = openDescriptors()
  for (let round = 0; round < 5; round++) {
    const workers = Array.from({ length: 4 }, () => new Worker(THIS_FILE, { argv: ['worker'] }))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    const heard = workers.map((worker) => once(worker, 'message'))
    send(left.socket, numbered(2000))
    await Promise.all(heard)
    send(left.socket, numbered(2000))
    const ends = workers.map((worker) => once(worker, 'exit'))
    for (const [index, worker] of workers.entries()) index % 2 ? worker.postMessage('exit') : worker.terminate()
    await Promise.all(ends)
  }
  await descriptorsAtMost(before + 1)
}

async function nothingLeaks(): Promise<void> {
  const left = new Listener(LEFT)
  const descriptors = openDescriptors()
  const openAndClose = async (times: number) => {
    for (let round = 0; round < times; round++) {
      const groups = new MulticastGroups(1)
      const monitor = new InterfaceMonitor(() => monitor.close(), assert.fail)
      // One a round: closing a packet socket takes the kernel some 15 ms.
      const listener = new Listener(RIGHT, { protocol: round % 2 === 0 ? 'arp' : 'ndp' })
      groups.join(new Uint8Array(16).fill(1).fill(0xff, 0, 1).fill(2, 1, 2))
      send(left.socket, numbered(1))
      listener.socket.close()
      monitor.close()
      groups.close()
      // No more of them at a time than are closed meanwhile.
      if (round % 10 === 0) await descriptorsAtMost(descriptors)
    }
  }
  const exchange = async (times: number) => {
    let isDone = false
    const socket: PacketSocket = new PacketSocket({
      interfaceIndex: RIGHT,
      protocol: 'arp',
      onDown: assert.fail,
      onFrames(count) {
        const { bytes, slotBytes } = socket.received
        for (let slot = 0; slot < count; slot++) isDone ||= numberIn(bytes.subarray(slot * slotBytes)) === LAST
        return 0
      },
    })
    for (let sent = 0; sent < times; sent += 200) {
      send(left.socket, numbered(200))
      await turn()
    }
    // The kernel may drop frames where the machine is busy, also this one.
    while (!isDone) {
      send(left.socket, [frame(LAST)])
      await turn()
    }
    socket.close()
  }
  const measure = async () => {
    await descriptorsAtMost(descriptors)
    for (let pass = 0; pass < 3; pass++) {
      globalThis.gc?.()
      await turn()
    }
    return process.memoryUsage().rss / 1e6
  }
  await openAndClose(rounds / 10)
  await exchange(packets / 4)
  const before = await measure()
  await openAndClose(rounds)
  await exchange(packets)
  const after = await measure()
  process.stdout.write(`rss ${before.toFixed(1)} MB, then ${after.toFixed(1)} MB\n`)
  // The rounds took some 300 MB of slots altogether; small blocks are LeakSanitizer's to find.
  if (!isSanitized) assert.ok(after < before + 24, `${before} → ${after} MB`)
}

/** Resolves with the interfaces as soon as they satisfy the condition. */
function interfacesWhere(condition: (interfaces: Interfaces) => boolean): Promise<Interfaces> {
  return new Promise((resolve, reject) => {
    const monitor = new InterfaceMonitor((interfaces) => {
      if (!condition(interfaces)) return
      monitor.close()
      resolve(interfaces)
    }, reject)
  })
}

async function interfacesAreSeen(): Promise<void> {
  const events: Interfaces[] = []
  const monitor = new InterfaceMonitor((interfaces) => events.push(interfaces), assert.fail)
  const left = (await interfacesWhere((interfaces) => interfaces.has(LEFT))).get(LEFT)!
  assert.equal(left.name, 'left')
  assert.equal(left.kind, 'veth')
  assert.equal(left.operationalState, 'up')
  assert.ok(left.isEthernet && left.isUp && left.hasCarrier && left.canBroadcast && !left.isNoArp && !left.isLoopback)
  const steps: readonly [string, (interfaces: Interfaces) => boolean][] = [
    ['address add 192.0.2.1/24 dev left', (all) => all.get(LEFT)?.addresses[0]?.bytes.join('.') === '192.0.2.1'],
    ['address del 192.0.2.1/24 dev left', (all) => all.get(LEFT)?.addresses.length === 0],
    ['link set left address 02:00:00:00:00:77', (all) => all.get(LEFT)?.mac === '02:00:00:00:00:77'],
    ['link set right down', (all) => all.get(LEFT)?.hasCarrier === false && all.get(RIGHT)?.isUp === false],
    ['link set left arp off', (all) => all.get(LEFT)?.isNoArp === true],
    ['link add bridge index 20 type bridge', (all) => all.get(20)?.kind === 'bridge'],
    ['link set left master bridge', (all) => all.get(LEFT)?.master === 20],
    ['link set left nomaster', (all) => all.has(LEFT) && all.get(LEFT)?.master === undefined],
    ['link delete left', (all) => !all.has(LEFT) && !all.has(RIGHT)],
  ]
  for (const [command, condition] of steps) {
    const seen = interfacesWhere(condition)
    ip(command)
    await seen
    while (!condition(events.at(-1)!)) await turn()
  }
  monitor.close()
}

async function tentativeAddresses(): Promise<void> {
  execFileSync('sysctl', ['-qw', 'net.ipv6.conf.left.disable_ipv6=0'])
  ip('address add 2001:db8::1/64 dev left')
  const state = (interfaces: Interfaces) =>
    interfaces.get(LEFT)?.addresses.find((address) => address.family === 6 && address.scope === 'global')?.isTentative
  await interfacesWhere((interfaces) => state(interfaces) === true)
  await interfacesWhere((interfaces) => state(interfaces) === false)
}

/** More events than the receive buffer holds: the monitor reads the tables anew and ends up right. */
async function eventsAreDropped(): Promise<void> {
  const right = (interfaces: Interfaces) => interfaces.get(LEFT)?.addresses.length === 1
  const seen = Promise.withResolvers<void>()
  let isFlooded = false
  const monitor = new InterfaceMonitor((interfaces) => isFlooded && right(interfaces) && seen.resolve(), assert.fail)
  await turn()
  const commands = Array.from({ length: 4000 }, (_, index) => {
    const address = `10.${index >> 8}.${index & 0xff}.1/32 dev left`
    return `address add ${address}\naddress del ${address}\n`
  })
  execFileSync('ip', ['-batch', '-'], { input: `${commands.join('')}address add 192.0.2.7/24 dev left\n` })
  isFlooded = true
  await seen.promise
  monitor.close()
}

async function groupsAreJoined(): Promise<void> {
  execFileSync('sysctl', ['-qw', 'net.ipv6.conf.left.disable_ipv6=0'])
  const group = (number: number) => {
    const bytes = new Uint8Array(16)
    bytes.set([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, number >> 16, number >> 8, number])
    return bytes
  }
  const joined = () => readFileSync('/proc/net/igmp6', 'utf8').match(/left +ff0200000000000000000001ff/g)?.length ?? 0
  const before = joined()
  const groups = new MulticastGroups(LEFT)
  groups.join(group(1))
  groups.join(group(1))
  groups.leave(group(1))
  assert.equal(joined(), before + 1, 'its users are counted')
  groups.leave(group(1))
  assert.equal(joined(), before)
  assert.throws(() => groups.leave(group(1)), /not joined/)
  for (let number = 0; number < 3000; number++) groups.join(group(number))
  assert.equal(joined(), before + 3000, 'more than one socket holds')
  groups.close()
  while (joined() > before) await turn()
  assert.equal(joined(), before)

  const packet = new Listener(LEFT)
  packet.socket.join(Uint8Array.of(0x33, 0x33, 0xff, 0xaa, 0xbb, 0xcc), LEFT)
  assert.match(ip('maddress show dev left'), /33:33:ff:aa:bb:cc/)
  packet.socket.leave(Uint8Array.of(0x33, 0x33, 0xff, 0xaa, 0xbb, 0xcc), LEFT)
  assert.doesNotMatch(ip('maddress show dev left'), /33:33:ff:aa:bb:cc/)
}

async function nonsenseIsRefused(): Promise<void> {
  const { addon } = await import('./addon.ts')
  const nonsense = { interfaceIndex: LEFT, etherType: 1, receiveBufferBytes: 1, filter: new Uint32Array(3) }
  // @ts-expect-error: on purpose
  assert.throws(() => addon.packetOpen(nonsense), { code: 'ERR_INVALID_ARG_VALUE' })
  // @ts-expect-error: on purpose
  assert.throws(() => addon.packetOpen({ ...nonsense, filter: new Uint32Array([6, 0, 0, 0]) }), TypeError)
  // @ts-expect-error: on purpose
  assert.throws(() => addon.send({}, 1), { code: 'ERR_INVALID_ARG_VALUE' })
  const before = openDescriptors()
  assert.throws(() => new Listener(999), { code: 'ENODEV' })
  assert.equal(openDescriptors(), before)
}

/** The name of each is the name of its test. */
export const SCENARIOS: Readonly<Record<string, () => Promise<void>>> = {
  'frames arrive in order and whole; own frames are not heard': framesInOrder,
  'what onFrames answers is sent': repliesFromTheCallback,
  'the filters let through ARP, and of IPv6 neighbour solicitations and advertisements': filtersRejectTheRest,
  'closing while packets arrive, from within the callback and from outside': closeWhilePacketsArrive,
  'an interface that disappears is an event': interfaceDisappears,
  'an interface that goes down is an event; up again, it serves a new socket': interfaceGoesDown,
  'a full receive buffer loses and counts, then goes on': fullReceiveBuffer,
  'sources are spread over lanes: one that floods does not drown the others': lanesKeepSourcesApart,
  'a full send buffer queues so many, in order, and counts what is lost': fullSendBuffer,
  'a full device queue loses and counts': deviceQueueFull,
  'without NET_RAW the error names the capability': noPermission,
  'threads may end with open sockets while packets arrive': threadsEndWithOpenSockets,
  'thousands of sockets and packets leave no memory or descriptor behind': nothingLeaks,
  'links, addresses, masters and MAC addresses are followed': interfacesAreSeen,
  'a tentative IPv6 address is told from a usable one': tentativeAddresses,
  'dropped netlink events are made up for': eventsAreDropped,
  'multicast groups are joined once and left with the last user': groupsAreJoined,
  'options of the wrong shape are refused and leave nothing open': nonsenseIsRefused,
  ...TCP_SCENARIOS,
}

if (!isMainThread) {
  if (process.argv[2] === 'worker') workerMain()
} else if (process.argv[1] === THIS_FILE) {
  const scenario = SCENARIOS[process.argv[2] ?? '']
  assert.ok(scenario, `scenarios: ${Object.keys(SCENARIOS).join(' | ')}`)
  delete process.env.LD_PRELOAD
  createPair()
  await scenario()
  process.exit(0)
}
