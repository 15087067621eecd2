import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { WantedService } from '../net/l2/index.ts'
import type { Weather } from './network.ts'
import { property } from './property.ts'
import { World } from './world.ts'
import { KEY } from './world-speaker.ts'
import { anyTrouble, anyWeather, Fate, NODES, SERVICES, wanting } from './world-trouble.ts'

const IP = '192.0.2.10'
const ALL = ['node-a', 'node-b', 'node-c']

/** Three nodes, one address that node-a ranks first for, everything settled. */
function settled(
  more: { weather?: Weather; segments?: readonly string[]; services?: readonly WantedService[] } = {},
): World {
  const world = new World({ seed: 7, nodes: 3, services: [wanting(IP, ALL)], ...more })
  world.advance(2000)
  return world
}

/** Milliseconds until the client's traffic goes to one of the nodes. */
function untilBelieved(world: World, nodes: readonly string[], limitMs = 5000): number | undefined {
  return world.clock.advanceUntil(() => nodes.includes(world.whoIsBelieved(IP) ?? ''), limitMs)
}

describe('one address, three nodes', () => {
  test('the first candidate answers, and nobody else', () => {
    const world = settled()
    assert.deepEqual(world.holders(IP), ['node-a'])
    world.ask(IP)
    world.advance(1)
    assert.equal(world.whoIsBelieved(IP), 'node-a')
  })

  test('from the start no two ever hold it', () => {
    const world = new World({ seed: 7, nodes: 3, services: [wanting(IP, ALL)] })
    for (let at = 0; at < 300; at++) {
      assert.ok(world.holders(IP).length <= 1, `at ${world.clock.now()} ms: ${world.holders(IP)}`)
      world.advance(10)
    }
  })

  test('it is killed: another has told the neighbours within 500 ms', () => {
    const world = settled()
    world.kill('node-a')
    const tookMs = untilBelieved(world, ['node-b'])
    assert.ok(tookMs !== undefined && tookMs <= 500, `${tookMs} ms`)
    assert.deepEqual(world.holders(IP), ['node-b'])
  })

  test('it is killed while a fifth of all packets are lost: still within 500 ms', () => {
    const weather = { loss: 0.2, duplication: 0.05, leastDelayMs: 0.1, mostDelayMs: 20 }
    for (let seed = 1; seed <= 20; seed++) {
      const world = new World({ seed, nodes: 3, services: [wanting(IP, ALL)], weather })
      world.advance(3000)
      world.kill('node-a')
      const tookMs = world.clock.advanceUntil(() => world.holders(IP).length > 0, 5000)
      assert.ok(tookMs !== undefined && tookMs <= 500, `seed ${seed}: ${tookMs} ms`)
    }
  })

  test('it leaves: somebody answers at every moment, and the neighbours follow', () => {
    const world = settled()
    world.speaker('node-a').leave()
    for (let at = 0; at < 200; at++) {
      assert.ok(world.holders(IP).length >= 1, `nobody at ${world.clock.now()} ms`)
      world.advance(1)
    }
    assert.ok(world.releasedNodes.has('node-a'))
    assert.ok(world.speaker('node-a').hasLeft)
    assert.deepEqual(world.holders(IP), ['node-b'])
    assert.equal(world.whoIsBelieved(IP), 'node-b')
  })

  test('it restarts: the other answers meanwhile, and hands it back without a gap', () => {
    const world = settled()
    world.kill('node-a')
    world.advance(1000)
    world.start('node-a')
    for (let at = 0; at < 300; at++) {
      assert.ok(world.holders(IP).length >= 1, `nobody at ${world.clock.now()} ms`)
      world.advance(10)
    }
    assert.deepEqual(world.holders(IP), ['node-a'])
    assert.equal(world.whoIsBelieved(IP), 'node-a')
  })

  test('it resumes from an old list while the API server is away: who took over keeps the address, alone, until it dies', () => {
    const world = settled()
    world.kill('node-a')
    world.advance(1000)
    for (const node of ['node-b', 'node-c']) world.speaker(node).desire([wanting(IP, ['node-b', 'node-a', 'node-c'])])
    world.start('node-a', true)
    for (let at = 0; at < 1500; at++) {
      assert.deepEqual(world.holders(IP), ['node-b'], `at ${world.clock.now()} ms`)
      world.advance(10)
    }
    world.kill('node-b')
    const tookMs = untilBelieved(world, ['node-a'])
    assert.ok(tookMs !== undefined && tookMs <= 500, `${tookMs} ms`)
  })

  test('its cable is pulled: carrier lost, another answers', () => {
    const world = settled()
    world.speaker('node-a').interfacesUp([])
    const tookMs = untilBelieved(world, ['node-b'])
    assert.ok(tookMs !== undefined && tookMs <= 500, `${tookMs} ms`)
    assert.deepEqual(world.holders(IP), ['node-b'])
  })

  test('it stands still for two seconds: the other takes over, and all agree again afterwards', () => {
    const world = settled()
    world.speaker('node-a').freeze()
    world.advance(2000)
    assert.equal(world.whoIsBelieved(IP), 'node-b')
    world.speaker('node-a').thaw()
    world.advance(3000)
    assert.deepEqual(world.holders(IP), ['node-a'])
    assert.equal(world.whoIsBelieved(IP), 'node-a')
    assert.deepEqual(world.speaker('node-a').conflicts, [], 'a member is no stranger')
  })
})

describe('a partition', () => {
  const beyond: readonly [name: string, groups: readonly (readonly string[])[]][] = [
    ['the owner alone', [['node-a']]],
    ['the owner with the client, the others apart', [['node-b', 'node-c']]],
    ['everybody apart', [['node-a'], ['node-b'], ['node-c']]],
  ]
  for (const [name, groups] of beyond) {
    test(`${name}: each side is served, and once healed all agree and the client follows`, () => {
      const world = settled()
      world.firstSegment.partition(...groups)
      world.routed.partition(...groups)
      world.advance(3000)
      assert.ok(world.holders(IP).length >= 2)
      world.firstSegment.heal()
      world.routed.heal()
      world.advance(3000)
      assert.deepEqual(world.holders(IP), ['node-a'])
      assert.equal(world.whoIsBelieved(IP), 'node-a')
    })
  }

  test('multicast is filtered between all: unicast keeps them together', () => {
    const world = settled()
    world.firstSegment.partition(['node-a'], ['node-b'], ['node-c'])
    world.advance(5000)
    assert.deepEqual(world.holders(IP), ['node-a'])
  })

  test('one direction is dead: who is not heard by multicast is asked for unicast, so nobody is taken for dead', () => {
    const world = settled()
    world.firstSegment.sever('node-a', 'node-b')
    world.firstSegment.sever('node-a', 'node-c')
    world.advance(5000)
    assert.deepEqual(world.holders(IP), ['node-a'])
  })

  test('one NIC of a node with two is cut off: the address on that segment moves, the other stays', () => {
    const other = '192.0.2.11'
    const services = [wanting(IP, ALL, ['eth1']), wanting(other, ALL, ['eth0'])]
    const world = settled({ segments: ['eth0', 'eth1'], services })
    assert.deepEqual([world.holders(IP), world.holders(other)], [['node-a'], ['node-a']])
    world.segments.get('eth1')!.partition(['node-a'])
    world.advance(3000)
    assert.deepEqual([world.holders(IP), world.holders(other)], [['node-b'], ['node-a']])
    world.segments.get('eth1')!.heal()
    world.advance(3000)
    assert.deepEqual([world.holders(IP), world.holders(other)], [['node-a'], ['node-a']])
  })
})

test('one NIC of two is given up, as by a lost uplink: its peers take over at once, without waiting for a death', () => {
  const world = settled({ segments: ['eth0', 'eth1'], services: [wanting(IP, ALL, ['eth1'])] })
  world.speaker('node-a').interfacesUp(['eth0'])
  const tookMs = world.clock.advanceUntil(() => world.holders(IP).includes('node-b'), 1000)
  assert.ok(tookMs !== undefined && tookMs < 5, `${tookMs} ms`)
})

test('one NIC of two hears nobody any more: it is given up and another answers within 800 ms', () => {
  const world = settled({ segments: ['eth0', 'eth1'], services: [wanting(IP, ALL, ['eth1'])] })
  world.segments.get('eth1')!.partition(['node-a'])
  const tookMs = world.clock.advanceUntil(() => world.holders(IP).join() === 'node-b', 2000)
  assert.ok(tookMs !== undefined && tookMs < 800, `${tookMs} ms`)
})

describe('what nodes know differs for a while', () => {
  test('the key is changed on one after the other: nobody is taken for dead, nothing moves', () => {
    const world = settled()
    const { moves } = world
    const newKey = new TextEncoder().encode('EBESExQVFhcYGRobHB0eHw')
    for (const keys of [[KEY, newKey], [newKey, KEY], [newKey]]) {
      for (const node of ALL) {
        world.speaker(node).configure(keys, ALL)
        world.advance(700)
      }
    }
    assert.equal(world.moves, moves)
    assert.deepEqual(world.holders(IP), ['node-a'])
  })

  test('a new node that the others have not been told of: it takes over, and is no stranger', () => {
    const world = new World({ seed: 7, nodes: 3, services: [wanting(IP, ALL)] })
    world.kill('node-a')
    const tellOthers = () => {
      for (const node of ['node-b', 'node-c']) world.speaker(node).configure([KEY], ['node-b', 'node-c'])
    }
    tellOthers()
    world.advance(2000)
    tellOthers()
    world.start('node-a')
    assert.equal(
      world.clock.advanceUntil(() => world.holders(IP).length === 0, 3000),
      undefined,
    )
    assert.deepEqual(world.holders(IP), ['node-a'])
    assert.deepEqual(world.speaker('node-b').conflicts, [])
  })

  test('one hears of a new order three seconds before the other: somebody answers all the time', () => {
    for (const [first, second] of [
      ['node-a', 'node-b'],
      ['node-b', 'node-a'],
    ] as const) {
      const world = settled()
      const reordered = wanting(IP, ['node-b', 'node-a', 'node-c'])
      world.speaker(first).change(reordered)
      assert.equal(
        world.clock.advanceUntil(() => world.holders(IP).length === 0, 3000),
        undefined,
      )
      for (const node of [second, 'node-c']) world.speaker(node).change(reordered)
      assert.equal(
        world.clock.advanceUntil(() => world.holders(IP).length === 0, 3000),
        undefined,
      )
      assert.deepEqual(world.holders(IP), ['node-b'])
    }
  })

  test('heartbeats of the owner are filtered by all, its ARP is not: the others let it have the address', () => {
    const world = settled()
    const foreign = new TextEncoder().encode('EBESExQVFhcYGRobHB0eHw')
    // It believes the others, who do not believe it: what a key changed on one node only looks like.
    world.speaker('node-a').configure([foreign, KEY], ALL)
    world.advance(1000)
    assert.deepEqual(world.holders(IP), ['node-a'])
    world.advance(8000)
    assert.deepEqual(world.holders(IP), ['node-a'])
  })
})

describe('a new address', () => {
  const FRESH = '192.0.2.77'

  test('is announced a third of a second after it is known, by one node', () => {
    const world = settled()
    world.change(wanting(FRESH, ALL))
    const tookMs = world.clock.advanceUntil(() => world.whoIsBelieved(FRESH) !== undefined, 2000)
    assert.ok(tookMs !== undefined && tookMs > 200 && tookMs < 350, `${tookMs} ms`)
    assert.deepEqual(world.holders(FRESH), ['node-a'])
  })

  test('which a stranger has is announced by nobody, not after a death either, until the stranger has gone', () => {
    const world = settledWithStranger()
    world.strangersAddresses.add(FRESH)
    world.change(wanting(FRESH, ALL))
    world.advance(2000)
    assert.deepEqual(world.holders(FRESH), [])
    world.kill('node-a')
    world.advance(3000)
    assert.deepEqual(world.holders(FRESH), [])
    world.strangersAddresses.clear()
    world.advance(21_000)
    assert.deepEqual(world.holders(FRESH), ['node-b'])
  })

  test('announced once, is taken over as fast as any other', () => {
    const world = settled()
    world.change(wanting(FRESH, ALL))
    world.advance(1000)
    world.kill('node-a')
    const tookMs = world.clock.advanceUntil(() => world.holders(FRESH).length > 0, 2000)
    assert.ok(tookMs !== undefined && tookMs < 400, `${tookMs} ms`)
  })

  function settledWithStranger(): World {
    const world = new World({ seed: 7, nodes: 3, services: [wanting(IP, ALL)], hasStranger: true })
    world.advance(2000)
    return world
  }
})

describe('standing still', () => {
  for (const ms of [310, 400, 2000, 60_000]) {
    test(`for ${ms} ms: no two answer 100 ms after the thaw, what waited is not answered, and it comes back`, () => {
      const world = settled()
      world.speaker('node-a').freeze()
      for (let at = 0; at < ms; at += 10) {
        world.ask(IP)
        world.advance(10)
      }
      world.clock.advanceUntil(() => false, 5)
      const believed = world.whoIsBelieved(IP)
      world.speaker('node-a').thaw()
      world.advance(1)
      assert.equal(world.whoIsBelieved(IP), believed, 'nothing of what waited was answered')
      world.advance(109)
      assert.equal(world.holders(IP).length, 1)
      world.advance(1000)
      assert.deepEqual([world.holders(IP), world.whoIsBelieved(IP)], [['node-a'], 'node-a'])
    })
  }
})

describe('many addresses', () => {
  test('ten nodes, three hundred addresses, one dies: every address answers within 500 ms, others did not move', () => {
    const nodes = Array.from({ length: 10 }, (_, index) => `node-${String.fromCharCode(97 + index)}`)
    const services = Array.from({ length: 300 }, (_, at) =>
      wanting(`10.0.${at >> 8}.${at & 255}`, [...nodes.slice(at % 10), ...nodes.slice(0, at % 10)]),
    )
    const world = new World({ seed: 3, nodes: 10, services })
    world.advance(8000)
    const survivors = nodes.slice(1)
    const before = survivors.map((node) => world.speaker(node).announcements)
    world.kill('node-a')
    world.advance(500)
    for (const { layer2 } of services) assert.equal(world.holders(layer2[0]!.ip).length, 1, layer2[0]!.ip)
    const after = survivors.map((node) => world.speaker(node).announcements)
    assert.equal(
      after.filter((count, index) => count !== before[index]).length,
      1,
      'only the heir has something to tell',
    )
  })
})

describe('two thousand addresses on three nodes, and one node stands still', () => {
  const COUNT = 2000
  const IPS = Array.from({ length: COUNT }, (_, at) => `10.1.${at >> 8}.${at & 255}`)
  /** What the node that stands still is first for. */
  const SHARE = Math.ceil(COUNT / 3)

  function crowded(): World {
    const services = IPS.map((ip, at) => wanting(ip, [...ALL.slice(at % 3), ...ALL.slice(0, at % 3)]))
    const world = new World({ seed: 5, nodes: 3, services })
    world.advance(20_000)
    return world
  }

  /** What a standstill of so many milliseconds leads to within twenty seconds, and until all is quiet. */
  function afterStandstill(world: World, ms: number) {
    const [moves, buried] = [world.moves, world.buried]
    const reports = () => ALL.reduce((sum, node) => sum + world.speaker(node).reports, 0)
    const announcements = () => ALL.reduce((sum, node) => sum + world.speaker(node).announcements, 0)
    const [reportsBefore, announcementsBefore] = [reports(), announcements()]
    world.speaker('node-a').freeze()
    world.advance(ms)
    world.speaker('node-a').thaw()
    world.advance(20_000)
    for (const [at, ip] of IPS.entries()) assert.deepEqual(world.holders(ip), [ALL[at % 3]], ip)
    return {
      moves: world.moves - moves,
      buried: world.buried - buried,
      reports: reports() - reportsBefore,
      announcements: announcements() - announcementsBefore,
    }
  }

  test('for less than anybody takes for a death: it listens, and nothing moves, is reported or announced', () => {
    const counts = afterStandstill(crowded(), 249)
    assert.deepEqual(counts, { moves: 0, buried: 0, reports: 0, announcements: 0 })
  })

  test('for half a second: its own move once, and are told once; nothing else moves, and nobody else is buried', () => {
    const { moves, buried, reports, announcements } = afterStandstill(crowded(), 500)
    assert.equal(buried, 2, 'by each of the others, once')
    assert.equal(moves, SHARE, 'the heir took them; the one that stood still never believed that it had lost them')
    // Taken, handed back, let go of by one; another node's, and ours again, at the other.
    assert.ok(reports <= 5 * SHARE, `${reports} reports`)
    // Full bursts for what moved, there and back; a reminder of two rounds for what did not.
    assert.ok(announcements <= 2 * 7 * SHARE + 2 * (COUNT - SHARE), `${announcements} rounds`)
  })

  test('no step of any node leads to more than can be done between two heartbeats', () => {
    const world = crowded()
    afterStandstill(world, 500)
    for (const node of ALL)
      assert.ok(world.speaker(node).longestStep <= 450, `${world.speaker(node).longestStep} actions`)
  })
})

/** From the last trouble on, this long, and all must see the same: a loser waits ten seconds for its successor at most. */
const AGREED_AFTER_MS = 13_000

property(
  'whatever befell them, once it is over each address has the one owner that the candidates name, and clients know it',
  [fc.nat(), anyWeather, fc.array(anyTrouble, { maxLength: 15, size: 'max' })],
  (seed, weather, troubles) => {
    const world = new World({ seed, nodes: NODES.length, services: SERVICES, weather, drift: 0.01, hasStranger: true })
    const fate = new Fate()
    for (const trouble of troubles) fate.suffer(world, trouble)
    world.firstSegment.weather = { ...weather, loss: 0 }
    world.routed.weather = { ...weather, loss: 0 }
    fate.recover(world)
    world.advance(AGREED_AFTER_MS)
    for (const { layer2 } of world.services) {
      const { ip, candidates } = layer2[0]!
      assert.deepEqual(world.holders(ip), [candidates[0]], `holders of ${ip}`)
      world.ask(ip)
      world.advance(100)
      assert.equal(world.whoIsBelieved(ip), candidates[0], `who answers for ${ip}`)
    }
  },
)

property(
  'somebody answers two seconds after whatever befell them, as long as one of the candidates can',
  [fc.nat(), anyWeather, fc.array(anyTrouble, { maxLength: 10, size: 'max' })],
  (seed, weather, troubles) => {
    const world = new World({ seed, nodes: NODES.length, services: SERVICES, weather, drift: 0.01 })
    const fate = new Fate()
    for (const trouble of troubles) {
      fate.suffer(world, trouble)
      if (fate.isDivided) continue
      world.advance(2000)
      for (const { layer2 } of world.services) {
        const { ip, candidates } = layer2[0]!
        const able = candidates.filter((node) => ![fate.dead, fate.frozen, fate.unplugged].some((set) => set.has(node)))
        const answering = world.holders(ip).filter((node) => !fate.frozen.has(node))
        if (able.length > 0) assert.ok(answering.length > 0, `${ip} of ${able} after ${JSON.stringify(trouble)}`)
      }
    }
  },
  { share: 0.3 },
)

property(
  'planned moves on a segment that loses nothing: somebody answers at every instant',
  [
    fc.nat(),
    fc.array(
      fc.record({
        act: fc.constantFrom('leave' as const, 'prefer' as const),
        node: fc.nat(NODES.length - 1),
        order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 2 }),
        lagMs: fc.nat(3000),
        pauseMs: fc.integer({ min: 1500, max: 4000 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  ],
  (seed, acts) => {
    const ips = SERVICES.map(({ layer2 }) => layer2[0]!.ip)
    const world = new World({ seed, nodes: NODES.length, services: SERVICES })
    const fate = new Fate()
    world.advance(2000)
    let unanswered: string | undefined
    const isUnanswered = () => {
      unanswered = ips.find((ip) => world.holders(ip).length === 0)
      return unanswered !== undefined
    }
    const passing = (ms: number) => {
      const at = world.clock.advanceUntil(isUnanswered, ms)
      assert.equal(at, undefined, `nobody answers for ${unanswered}`)
    }
    for (const { act, node, order, lagMs, pauseMs } of acts) {
      const name = NODES[node]!
      if (act === 'prefer') fate.suffer(world, { kind: 'prefer', address: node, order, lagMs })
      else {
        world.speaker(name).leave()
        const tookMs = world.clock.advanceUntil(() => world.releasedNodes.has(name), 1500)
        assert.ok(tookMs !== undefined && tookMs <= 1000, `${name} was released after ${tookMs} ms`)
        world.releasedNodes.delete(name)
        world.kill(name)
        world.start(name)
      }
      // The next act begins when everybody has heard of this one: two at once are not planned, but an accident.
      passing(lagMs + pauseMs)
    }
  },
  { share: 0.3 },
)

property(
  'nothing happens, but a fifth of all packets is lost and the others are late: no address moves',
  [fc.nat(), fc.nat(40)],
  (seed, delay) => {
    const weather = { loss: 0.2, duplication: 0.1, leastDelayMs: 0.1, mostDelayMs: 0.1 + delay }
    const world = new World({ seed, nodes: NODES.length, services: SERVICES, weather, drift: 0.01 })
    world.advance(3000)
    const { moves } = world
    world.advance(20_000)
    assert.equal(world.moves, moves)
  },
  { share: 0.1 },
)

test('the same seed gives the same history', () => {
  const weather = { loss: 0.1, duplication: 0.1, leastDelayMs: 1, mostDelayMs: 30 }
  const histories = [1, 2].map(() => {
    const world = new World({ seed: 11, nodes: 3, services: [wanting(IP, ALL)], weather })
    world.advance(1500)
    world.kill('node-a')
    const tookMs = world.clock.advanceUntil(() => world.holders(IP).length > 0, 5000)
    return `${tookMs} ${world.random.next()}`
  })
  assert.equal(histories[0], histories[1])
})
