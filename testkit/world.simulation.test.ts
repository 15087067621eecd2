import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { WantedService } from '../net/l2/index.ts'
import type { Weather } from './network.ts'
import { property } from './property.ts'
import { World } from './world.ts'

const IP = '192.0.2.10'
const ALL = ['node-a', 'node-b', 'node-c']

function wanting(ip: string, candidates: readonly string[], interfaces?: readonly string[]): WantedService {
  return { key: `default/${ip}`, layer2: [{ ip, candidates, interfaces }] }
}

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
      assert.ok(world.holders(IP).length <= 1, `at ${world.clock.now} ms: ${world.holders(IP)}`)
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
      assert.ok(world.holders(IP).length >= 1, `nobody at ${world.clock.now} ms`)
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
      assert.ok(world.holders(IP).length >= 1, `nobody at ${world.clock.now} ms`)
      world.advance(10)
    }
    assert.deepEqual(world.holders(IP), ['node-a'])
    assert.equal(world.whoIsBelieved(IP), 'node-a')
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

type Trouble =
  | { readonly kind: 'kill' | 'start' | 'leave' | 'freeze' | 'thaw'; readonly node: number }
  | { readonly kind: 'partition'; readonly sides: readonly number[] }
  | { readonly kind: 'heal' }
  | { readonly kind: 'pass'; readonly ms: number }

const NODES = ['node-a', 'node-b', 'node-c', 'node-d']
const anyNode = fc.nat(NODES.length - 1)
const anyTrouble: fc.Arbitrary<Trouble> = fc.oneof(
  fc.record({ kind: fc.constantFrom('kill' as const, 'start' as const, 'leave' as const), node: anyNode }),
  fc.record({ kind: fc.constantFrom('freeze' as const, 'thaw' as const), node: anyNode }),
  fc.record({ kind: fc.constant('partition' as const), sides: fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }) }),
  fc.record({ kind: fc.constant('heal' as const) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(2000) }),
)
const anyWeather: fc.Arbitrary<Weather> = fc
  .record({ loss: fc.integer({ min: 0, max: 20 }), duplication: fc.integer({ min: 0, max: 20 }), delay: fc.nat(40) })
  .map(({ loss, duplication, delay }) => ({
    loss: loss / 100,
    duplication: duplication / 100,
    leastDelayMs: 0.1,
    mostDelayMs: 0.1 + delay,
  }))

/** What has become of the nodes, besides what the world itself knows. */
class Fate {
  readonly dead = new Set<string>()
  readonly frozen = new Set<string>()

  suffer(world: World, trouble: Trouble): void {
    if (trouble.kind === 'pass') world.advance(trouble.ms)
    else if (trouble.kind === 'heal') this.#heal(world)
    else if (trouble.kind === 'partition') this.#partition(world, trouble.sides)
    else this.#strike(world, trouble.kind, NODES[trouble.node]!)
  }

  /** The weather clears, every process runs, every node that left or died is started again. */
  recover(world: World): void {
    this.#heal(world)
    for (const node of this.frozen) world.speaker(node).thaw()
    for (const node of this.dead) world.start(node)
    this.frozen.clear()
    this.dead.clear()
  }

  #heal(world: World): void {
    world.firstSegment.heal()
    world.routed.heal()
  }

  #partition(world: World, sides: readonly number[]): void {
    const groups = [1, 2].map((side) => NODES.filter((_, index) => sides[index] === side))
    world.firstSegment.partition(...groups)
    world.routed.partition(...groups)
  }

  #strike(world: World, kind: 'kill' | 'start' | 'leave' | 'freeze' | 'thaw', node: string): void {
    if (kind === 'start') {
      if (this.dead.delete(node)) world.start(node)
      return
    }
    if (this.dead.has(node)) return
    if (kind === 'freeze') this.frozen.add(node)
    if (kind === 'thaw' || kind === 'kill') this.frozen.delete(node)
    if (kind === 'freeze') world.speaker(node).freeze()
    if (kind === 'thaw') world.speaker(node).thaw()
    if (kind !== 'kill' && kind !== 'leave') return
    if (kind === 'leave') {
      if (this.frozen.has(node)) return
      world.speaker(node).leave()
      world.advance(1200)
    }
    world.kill(node)
    this.dead.add(node)
  }
}

property(
  'whatever befell them, once it is over each address has the one owner that the candidates name, and clients know it',
  [fc.nat(), anyWeather, fc.array(anyTrouble, { maxLength: 15, size: 'max' })],
  (seed, weather, troubles) => {
    const services = NODES.map((_, at) => wanting(`192.0.2.${at}`, [...NODES.slice(at), ...NODES.slice(0, at)]))
    const world = new World({ seed, nodes: NODES.length, services, weather })
    const fate = new Fate()
    for (const trouble of troubles) fate.suffer(world, trouble)
    world.firstSegment.weather = { ...weather, loss: 0 }
    world.routed.weather = { ...weather, loss: 0 }
    fate.recover(world)
    world.advance(8000)
    for (const { layer2 } of services) {
      const { ip, candidates } = layer2[0]!
      assert.deepEqual(world.holders(ip), [candidates[0]], `holders of ${ip}`)
      assert.ok(
        [candidates[0], undefined].includes(world.whoIsBelieved(ip)),
        `the client believes in ${world.whoIsBelieved(ip)}`,
      )
    }
  },
  { share: 0.15 },
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
