/** BGP over real sockets on the loopback interface: what is the shell's own, and peers that mean harm. */
import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Interfaces, NetworkInterface } from '../../../native/index.ts'
import { encodeMessage, endOfRib, type Message } from '../../../net/bgp/index.ts'
import { type Clock, systemClock } from '../../../runtime/clock.ts'
import { TestRouter } from '../../../testkit/bgp-router.ts'
import { freePort } from '../../../testkit/controlplane.ts'
import { eventually } from '../../../testkit/eventually.ts'
import { VirtualClock } from '../../../testkit/virtual-clock.ts'
import type { DesiredPeer, DesiredRoute, FromWire, ObservedPeer } from '../messages.ts'
import { Bgp } from './bgp.ts'

const LOOPBACK = {
  ...{ index: 1, name: 'lo', isEthernet: false, isUp: true, hasCarrier: true, isLoopback: true, mac: '' },
  addresses: [
    {
      ...{ family: 4, bytes: Uint8Array.of(127, 0, 0, 1), prefixLength: 8, scope: 'host' },
      ...{ isTentative: false, isDeprecated: false },
    },
  ],
} as unknown as NetworkInterface
const INTERFACES: Interfaces = new Map([[1, LOOPBACK]])

const ROUTER_ASN = 64_513

/** A node's BGP, and what it reports. */
class Node {
  readonly messages: FromWire[] = []
  readonly ignored: string[] = []
  readonly faults: string[] = []
  readonly bgp: Bgp

  constructor(clock: Clock) {
    this.bgp = new Bgp({
      ...{ node: 'alpha', clock, random: () => 0 },
      post: (message) => this.messages.push(message),
      ignored: (reason) => this.ignored.push(reason),
      fault: (what, cause) => this.faults.push(`${what}: ${cause}`),
    })
    this.bgp.interfacesChanged(INTERFACES)
    this.bgp.desireRoutes([], true)
  }

  peers(peers: readonly DesiredPeer[], listenPort = 0): void {
    this.bgp.desirePeers({ peers, listenPort, isDraining: false })
  }

  announce(...prefixes: readonly string[]): void {
    this.bgp.desireRoutes([{ key: 'default/web', routes: prefixes.map(routeTo) }], false)
  }

  /** All that was said of a peer, oldest first. */
  told(name = 'tor'): ObservedPeer[] {
    return this.messages.flatMap((message) =>
      message.kind === 'peer' && message.peer.name === name ? message.peer : [],
    )
  }

  async becomes(state: ObservedPeer['state'], name = 'tor'): Promise<ObservedPeer> {
    return eventually(() => {
      const last = this.told(name).at(-1)
      assert.equal(last?.state, state, last?.because ?? 'not yet')
      return last!
    })
  }
}

function routeTo(prefix: string): DesiredRoute {
  const attributes = { localPreference: undefined, communities: [], largeCommunities: [], peers: undefined }
  return { prefix, advertisement: 'all', ...attributes }
}

function peerAt(port: number, changes: Partial<DesiredPeer> = {}): DesiredPeer {
  return {
    ...{ name: 'tor', target: { kind: 'address', address: '127.0.0.1' }, port },
    ...{ localAsn: 64_512, remote: { kind: 'asn', asn: ROUTER_ASN }, routerId: undefined },
    ...{ holdTimeSeconds: 90, keepaliveTimeSeconds: undefined, connectTimeSeconds: undefined, dualStack: false },
    ...{ distance: { kind: 'direct' }, sourceAddress: undefined, device: undefined, password: undefined },
    ...{ restartTimeSeconds: undefined, role: undefined, mustHaveRole: false, isPassive: false, bfd: undefined },
    ...changes,
  }
}

const open: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function node(clock: Clock = systemClock): Node {
  const made = new Node(clock)
  open.push(() => made.bgp.close())
  return made
}

async function router(options: Partial<ConstructorParameters<typeof TestRouter>[0]> = {}): Promise<TestRouter> {
  const made = await new TestRouter({ asn: ROUTER_ASN, ...options }).listen()
  open.push(() => made.close())
  return made
}

function call(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  socket.resume()
  open.push(() => void socket.destroy())
  return socket
}

function kinds(messages: readonly Message[]): string[] {
  return messages.map(({ kind }) => kind)
}

describe('a session', () => {
  test('is dialled, established, and given the routes and End-of-RIB', async () => {
    const [alpha, tor] = [node(), await router()]
    alpha.announce('192.0.2.10/32')
    alpha.peers([peerAt(tor.port)])
    const { session, address } = await alpha.becomes('Established')
    assert.deepEqual([address, session?.localIdentifier, session?.remoteAsn], ['127.0.0.1', '127.0.0.1', ROUTER_ASN])
    await eventually(() => assert.deepEqual([...tor.routes.keys()], ['192.0.2.10/32']))
    await eventually(() => assert.ok(tor.caller?.rib.complete.has('ipv4-unicast')))
  })

  test('a change costs one UPDATE, whatever the number of routes', async () => {
    const [alpha, tor] = [node(), await router()]
    const many = Array.from({ length: 5_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}/32`)
    const services = many.map((prefix, index) => ({ key: `default/${index}`, routes: [routeTo(prefix)] }))
    alpha.bgp.desireRoutes(services, true)
    alpha.peers([peerAt(tor.port)])
    await eventually(() => assert.equal(tor.routes.size, 5_000))
    const before = kinds(tor.caller!.heard).filter((kind) => kind === 'update').length
    alpha.bgp.desireRoutes([{ key: 'default/7', routes: [] }], false)
    await eventually(() => assert.equal(tor.routes.size, 4_999))
    assert.equal(kinds(tor.caller!.heard).filter((kind) => kind === 'update').length, before + 1)
  })

  test('the same peers again change nothing, another hold time resets one session only', async () => {
    const [alpha, tor, other] = [node(), await router(), await router()]
    const both = [peerAt(tor.port), peerAt(other.port, { name: 'other' })]
    alpha.peers(both)
    await alpha.becomes('Established')
    await alpha.becomes('Established', 'other')
    alpha.peers(structuredClone(both))
    alpha.peers([peerAt(tor.port, { holdTimeSeconds: 30 }), both[1]!])
    await eventually(() => assert.equal(tor.caller?.open?.holdTimeSeconds, 30))
    assert.deepEqual([tor.callers.length, other.callers.length], [2, 1])
  })

  test('a peer that nobody has heard on its link yet is told of (invarctl peers listed nine of ten)', () => {
    const alpha = node()
    alpha.peers([peerAt(179, { target: { kind: 'interface', interface: 'eth7' } })])
    assert.deepEqual(
      alpha.told().map(({ state, address }) => [state, address]),
      [['Idle', undefined]],
    )
  })

  test('a peer that is no longer wanted hears it, and is gone', async () => {
    const [alpha, tor] = [node(), await router()]
    alpha.peers([peerAt(tor.port)])
    await alpha.becomes('Established')
    alpha.peers([])
    assert.deepEqual(alpha.messages.at(-1), { kind: 'peer-gone', name: 'tor' })
    await tor.caller!.gone
    assert.equal(kinds(tor.caller!.heard).at(-1), 'notification')
    assert.deepEqual(alpha.bgp.counters(), [])
  })

  test('a router that refuses is tried again, with the reason in words', async () => {
    const [alpha, port] = [node(), await freePort()]
    alpha.peers([peerAt(port)])
    await eventually(() => assert.match(alpha.told().at(-1)?.because ?? '', /ECONNREFUSED/))
    const tor = await new TestRouter({ asn: ROUTER_ASN }).listen(port)
    open.push(() => tor.close())
    await alpha.becomes('Established')
  })

  test('a source address that the node does not have is named, and a new one is taken', async () => {
    const [alpha, tor] = [node(), await router()]
    alpha.peers([peerAt(tor.port, { sourceAddress: '192.0.2.77' })])
    await eventually(() => assert.match(alpha.told().at(-1)?.because ?? '', /address not available/))
    alpha.peers([peerAt(tor.port, { sourceAddress: '127.0.0.5' })])
    assert.equal((await alpha.becomes('Established')).session?.localAddress, '127.0.0.5')
  })

  test('a router at the other end of a closed connection that comes back is told everything', async () => {
    const [alpha, tor] = [node(), await router()]
    alpha.announce('192.0.2.10/32')
    alpha.peers([peerAt(tor.port)])
    await eventually(() => assert.equal(tor.routes.size, 1))
    tor.caller!.socket.resetAndDestroy()
    await eventually(() => assert.equal(tor.callers.length, 2))
    await eventually(() => assert.equal(tor.routes.size, 1))
  })

  test('what a peer was told can be read', async () => {
    const [alpha, tor] = [node(), await router()]
    alpha.peers([peerAt(tor.port)])
    alpha.announce('192.0.2.10/32', '2001:db8::/64')
    await eventually(() => assert.equal(tor.routes.size, 1))
    alpha.bgp.readRoutes(7, 'tor')
    const answer = alpha.messages.at(-1)
    assert.ok(answer?.kind === 'peer-routes' && answer.id === 7 && answer.isLast)
    const said = answer.routes?.map(({ prefix, state, because }) => [prefix, state, because])
    assert.deepEqual(said, [
      ['192.0.2.10/32', 'announced', undefined],
      ['2001:db8::/64', 'not-carried', 'family-not-negotiated'],
    ])
    alpha.bgp.readRoutes(8, 'nobody')
    assert.deepEqual(alpha.messages.at(-1), { kind: 'peer-routes', id: 8, routes: undefined, isLast: true })
  })

  test('many routes are read a few at a time', async () => {
    const [alpha, tor] = [node(), await router()]
    alpha.peers([peerAt(tor.port)])
    alpha.announce(...Array.from({ length: 250 }, (_, host) => `192.0.2.${host}/32`))
    await eventually(() => assert.equal(tor.routes.size, 250))
    alpha.bgp.readRoutes(7, 'tor')
    const parts = () => alpha.messages.flatMap((message) => (message.kind === 'peer-routes' ? [message] : []))
    await eventually(() => assert.equal(parts().at(-1)?.isLast, true))
    assert.deepEqual(
      parts().map(({ routes, isLast }) => [routes?.length, isLast]),
      [
        [100, false],
        [100, false],
        [50, true],
      ],
    )
  })
})

describe('TCP MD5', () => {
  test('a new key is taken over by the live connection', async () => {
    const [alpha, port] = [node(), await freePort()]
    const beta = node()
    const passive = { isPassive: true, localAsn: ROUTER_ASN, remote: { kind: 'asn', asn: 64_512 } } as const
    beta.peers([peerAt(179, { ...passive, password: 'old' })], port)
    alpha.peers([peerAt(port, { password: 'old' })])
    const { sinceMs } = await alpha.becomes('Established')
    alpha.peers([peerAt(port, { password: 'new' })])
    beta.peers([peerAt(179, { ...passive, password: 'new' })], port)
    alpha.announce('192.0.2.10/32')
    await eventually(() => assert.equal(beta.bgp.counters()[0]?.receivedPrefixes, 1))
    assert.equal((await alpha.becomes('Established')).sinceMs, sinceMs)
    assert.deepEqual([alpha.faults, beta.faults], [[], []])
  })

  test('a wrong key is no connection', async () => {
    const [alpha, beta, port] = [node(), node(), await freePort()]
    const passive = { isPassive: true, localAsn: ROUTER_ASN, remote: { kind: 'asn', asn: 64_512 } } as const
    beta.peers([peerAt(179, { ...passive, password: 'right' })], port)
    alpha.peers([peerAt(port, { password: 'wrong' })])
    await alpha.becomes('Connect')
    alpha.peers([peerAt(port, { password: 'right' })])
    await alpha.becomes('Established')
    assert.equal(beta.told().filter(({ state }) => state === 'OpenSent').length, 1)
  })
})

describe('leaving', () => {
  test('for good: marked, withdrawn, closed with the reason', async () => {
    const [alpha, tor] = [node(), await router()]
    alpha.announce('192.0.2.10/32')
    alpha.peers([peerAt(tor.port)])
    await eventually(() => assert.equal(tor.routes.size, 1))
    await alpha.bgp.leave({ kind: 'shutdown', text: 'the node is being emptied', drainMs: 50 })
    await tor.caller!.gone
    assert.equal(tor.routes.size, 0)
    const last = tor.caller!.heard.at(-1)
    assert.ok(last?.kind === 'notification')
    assert.match(new TextDecoder().decode(last.notification.data), /being emptied/)
  })

  test('to come back: without a word to a peer that keeps our routes', async () => {
    const graceful = { kind: 'graceful-restart', isRestarting: false, hasNotificationSupport: false } as const
    const [alpha, tor] = [
      node(),
      await router({ capabilities: [{ ...graceful, restartTimeSeconds: 9, families: [] }] }),
    ]
    alpha.announce('192.0.2.10/32')
    alpha.peers([peerAt(tor.port, { restartTimeSeconds: 120 })])
    await eventually(() => assert.equal(tor.routes.size, 1))
    await alpha.bgp.leave({ kind: 'restart' })
    await tor.caller!.gone
    assert.equal(tor.routes.size, 1)
    assert.ok(!kinds(tor.caller!.heard).includes('notification'))
  })
})

describe('a hostile peer', () => {
  const passive = { isPassive: true, restartTimeSeconds: undefined } as const

  test('a stranger on the listening port is reset, and counted', async () => {
    const [alpha, port] = [node(), await freePort()]
    alpha.peers([peerAt(179, { ...passive, target: { kind: 'address', address: '127.0.0.9' } })], port)
    const stranger = call(port)
    await new Promise((resolve) => stranger.once('close', resolve))
    assert.deepEqual(alpha.ignored, ['bgp-stranger'])
  })

  test('a storm of connections: all but one are refused, and another session goes on', async () => {
    const [alpha, port, tor] = [node(), await freePort(), await router()]
    alpha.peers(
      [peerAt(179, { ...passive, name: 'hostile' }), peerAt(tor.port, { name: 'tor', sourceAddress: '127.0.0.5' })],
      port,
    )
    await alpha.becomes('Established')
    const calls = Array.from({ length: 200 }, () => call(port))
    let closed = 0
    for (const each of calls) each.once('close', () => closed++)
    await eventually(() => assert.equal(closed, 199))
    alpha.announce('192.0.2.10/32')
    await eventually(() => assert.equal(tor.routes.size, 1))
    assert.equal(tor.callers.length, 1)
  })

  test('a connection that stays silent is closed after ten seconds, and the next one is heard', async () => {
    const clock = new VirtualClock()
    const [alpha, port] = [node(clock), await freePort()]
    alpha.peers([peerAt(179, passive)], port)
    const silent = call(port)
    await alpha.becomes('OpenSent')
    clock.advance(9_999)
    await nextTurn()
    assert.equal(alpha.told().at(-1)?.state, 'OpenSent')
    clock.advance(1)
    await new Promise((resolve) => silent.once('close', resolve))
    assert.match(alpha.told().at(-1)?.because ?? '', /hold timer expired/)
    const caller = call(port)
    caller.write(Buffer.concat([openMessage({}), encodeMessage({ kind: 'keepalive' })]))
    await alpha.becomes('Established')
  })

  test('a router that takes the connection and says nothing more does not hold us for longer than ten seconds', async () => {
    const clock = new VirtualClock()
    const alpha = node(clock)
    const mute = createServer((socket) => open.push(() => void socket.destroy()))
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    open.push(() => void mute.close())
    alpha.peers([peerAt((mute.address() as { port: number }).port)])
    await eventually(() => {
      // The first dial is a timer of its own.
      clock.advance(1)
      assert.equal(alpha.told().at(-1)?.state, 'OpenSent')
    })
    clock.advance(10_000)
    await alpha.becomes('Active')
    assert.match(alpha.told().at(-1)?.because ?? '', /hold timer expired/)
  })

  const openings: [string, Uint8Array, RegExp][] = [
    [
      'what is no BGP',
      new TextEncoder().encode('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n'),
      /connection not synchronized/i,
    ],
    ['a hold time of one second', openMessage({ holdTimeSeconds: 1 }), /hold time/i],
    ['another AS', openMessage({ asn: 64_999 }), /bad peer AS/i],
    ['a keepalive where an OPEN belongs', encodeMessage({ kind: 'keepalive' }), /unexpected message/i],
  ]
  for (const [what, bytes, because] of openings) {
    test(`${what} is refused by name`, async () => {
      const [alpha, port] = [node(), await freePort()]
      alpha.peers([peerAt(179, passive)], port)
      const caller = call(port)
      caller.write(bytes)
      await new Promise((resolve) => caller.once('close', resolve))
      await eventually(() => assert.match(alpha.told().at(-1)?.because ?? '', because))
    })
  }

  test('an OPEN without capabilities makes a session of IPv4', async () => {
    const [alpha, port] = [node(), await freePort()]
    alpha.peers([peerAt(179, passive)], port)
    const caller = call(port)
    caller.write(openMessage({ capabilities: [] }))
    caller.write(encodeMessage({ kind: 'keepalive' }))
    assert.deepEqual((await alpha.becomes('Established')).session?.families, ['ipv4-unicast'])
  })

  test('a peer that does not read costs what the sockets hold, not more', async () => {
    const [alpha, tor] = [node(), await router()]
    alpha.peers([peerAt(tor.port)])
    await alpha.becomes('Established')
    tor.caller!.socket.pause()
    const before = process.memoryUsage().arrayBuffers
    for (let round = 0; round < 200; round++) {
      const routes = Array.from({ length: 1_000 }, (_, index) => ({
        ...routeTo(`10.0.${index >> 8}.${index & 255}/32`),
        communities: [round * 1_000 + index],
      }))
      alpha.bgp.desireRoutes([{ key: 'default/web', routes }], false)
    }
    const grown = process.memoryUsage().arrayBuffers - before
    assert.ok(grown < 32 * 1024 * 1024, `grew by ${grown >> 20} MiB`)
    tor.caller!.socket.resume()
    await eventually(() => {
      assert.equal(tor.routes.size, 1_000)
      assert.deepEqual(tor.routes.get('10.0.0.0/32')?.communities, [199_000])
    })
  })

  // libuv reads up to 32 times in a row while the peer's bytes fill the buffer: 90,000 of these, and 400 ms.
  test('a flood is read a little in each turn of the loop', async () => {
    const [alpha, flooding] = [node(), await router()]
    alpha.peers([peerAt(flooding.port)])
    await alpha.becomes('Established')
    flooding.caller!.socket.write(Buffer.concat(Array.from({ length: 100_000 }, () => endOfRib('ipv4-unicast'))))
    let [read, most] = [0, 0]
    while (read < 100_000) {
      await nextTurn()
      const now = alpha.bgp.counters()[0]!.received.update
      most = Math.max(most, now - read)
      read = now
    }
    assert.ok(most < 20_000, `${most} in one turn`)
  })

  test('a flood of UPDATEs keeps no other session waiting', async () => {
    const [alpha, flooding, tor] = [node(), await router(), await router()]
    alpha.peers([peerAt(flooding.port, { name: 'flooding' }), peerAt(tor.port)])
    await alpha.becomes('Established', 'flooding')
    await alpha.becomes('Established')
    const { socket } = flooding.caller!
    const update = endOfRib('ipv4-unicast')
    const flood = Buffer.concat(Array.from({ length: 10_000 }, () => update))
    const pour = (): void => {
      while (socket.writable && socket.write(flood));
    }
    socket.on('drain', pour)
    pour()
    for (let round = 0; round < 5; round++) {
      alpha.announce(`192.0.2.${round}/32`)
      await eventually(() => assert.ok(tor.routes.has(`192.0.2.${round}/32`)), 2_000, 5)
    }
    const read = () => alpha.bgp.counters().find(({ name }) => name === 'flooding')!.received.update
    await eventually(() => assert.ok(read() > 10_000))
    socket.removeAllListeners('drain')
  })
})

describe('time', () => {
  test('a wall clock that jumps a day, forth and back, ends no session and sets off nothing', async () => {
    const clock = new VirtualClock()
    const [alpha, tor] = [node(clock), await router()]
    alpha.peers([peerAt(tor.port)])
    await eventually(() => {
      clock.advance(1)
      assert.equal(alpha.told().at(-1)?.state, 'Established')
    })
    const reports = alpha.told().length
    for (const [at, days] of [1, -2].entries()) {
      clock.stepWall(days * 86_400_000)
      clock.advance(1_000)
      alpha.announce(`192.0.2.${at}/32`)
      await eventually(() => assert.ok(tor.routes.has(`192.0.2.${at}/32`)))
    }
    assert.deepEqual([alpha.told().length, tor.callers.length], [reports, 1])
  })

  test('a thread that stood still for longer than the hold time reads what has waited before it judges', async () => {
    const clock = new VirtualClock()
    const [alpha, tor] = [node(clock), await router({ holdTimeSeconds: 9 })]
    alpha.peers([peerAt(tor.port)])
    await eventually(() => {
      clock.advance(1)
      assert.equal(alpha.told().at(-1)?.state, 'Established')
    })
    // Written, and with it in the kernel: on the loopback interface it has arrived.
    await new Promise((resolve) => tor.caller!.socket.write(encodeMessage({ kind: 'keepalive' }), resolve))
    clock.advance(9_500)
    alpha.announce('192.0.2.1/32')
    await eventually(() => assert.ok(tor.routes.has('192.0.2.1/32')))
    assert.equal(tor.callers.length, 1)
    clock.advance(9_500)
    await eventually(() => assert.match(alpha.told().at(-1)?.because ?? '', /hold timer expired/))
  })
})

function openMessage(changes: { holdTimeSeconds?: number; asn?: number; capabilities?: never[] }): Uint8Array {
  const { holdTimeSeconds = 90, asn = ROUTER_ASN } = changes
  const capabilities = changes.capabilities ?? [{ kind: 'four-octet-asn', asn } as const]
  const fields = { version: 4, myAutonomousSystem: asn, identifier: 0x0a00_0002, otherParameters: [] }
  return encodeMessage({ kind: 'open', open: { ...fields, holdTimeSeconds, capabilities } })
}
