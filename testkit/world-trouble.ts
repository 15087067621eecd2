/** What may befall the nodes of a World, drawn at random, and how it all ends. */
import fc from 'fast-check'
import type { WantedService } from '../net/l2/index.ts'
import type { Weather } from './network.ts'
import type { World } from './world.ts'

/** Nodes, segments and addresses by number. */
export type Trouble =
  | { readonly kind: 'kill' | 'start' | 'leave' | 'freeze' | 'thaw' | 'unplug' | 'plug'; readonly node: number }
  | { readonly kind: 'partition'; readonly sides: readonly number[] }
  /** One direction between two nodes carries nothing. `isRouted`: unicast neither. */
  | { readonly kind: 'sever'; readonly from: number; readonly to: number; readonly isRouted: boolean }
  | { readonly kind: 'heal' }
  /** The candidates of an address are put in another order, or fewer; every node hears of it within `lagMs`. */
  | { readonly kind: 'prefer'; readonly address: number; readonly order: readonly number[]; readonly lagMs: number }
  /** A station that is no member uses the address, or ceases to. */
  | { readonly kind: 'intrude' | 'withdraw'; readonly address: number }
  | { readonly kind: 'pass'; readonly ms: number }

export const NODES: readonly string[] = ['node-a', 'node-b', 'node-c', 'node-d']
/** Address i has node i as its first candidate, to begin with. */
export const SERVICES: readonly WantedService[] = NODES.map((_, at) =>
  wanting(`192.0.2.${at}`, [...NODES.slice(at), ...NODES.slice(0, at)]),
)

export function wanting(ip: string, candidates: readonly string[], interfaces?: readonly string[]): WantedService {
  return { key: `default/${ip}`, layer2: [{ ip, candidates, interfaces }] }
}

const anyNode = fc.nat(NODES.length - 1)
const anyPass: fc.Arbitrary<Trouble> = fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(2000) })

export const anyTrouble: fc.Arbitrary<Trouble> = fc.oneof(
  fc.record({ kind: fc.constantFrom('kill' as const, 'start' as const, 'leave' as const), node: anyNode }),
  fc.record({ kind: fc.constantFrom('freeze' as const, 'thaw' as const), node: anyNode }),
  fc.record({ kind: fc.constantFrom('unplug' as const, 'plug' as const), node: anyNode }),
  fc.record({ kind: fc.constant('partition' as const), sides: fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }) }),
  fc.record({ kind: fc.constant('sever' as const), from: anyNode, to: anyNode, isRouted: fc.boolean() }),
  fc.record({ kind: fc.constant('heal' as const) }),
  fc.record({
    kind: fc.constant('prefer' as const),
    address: anyNode,
    order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1 }),
    lagMs: fc.nat(1000),
  }),
  fc.record({ kind: fc.constantFrom('intrude' as const, 'withdraw' as const), address: anyNode }),
  anyPass,
  anyPass,
)

/** Up to a fifth of all packets lost, a fifth doubled, each late by up to 40 ms. */
export const anyWeather: fc.Arbitrary<Weather> = fc
  .record({ loss: fc.integer({ min: 0, max: 20 }), duplication: fc.integer({ min: 0, max: 20 }), delay: fc.nat(40) })
  .map(({ loss, duplication, delay }) => ({
    loss: loss / 100,
    duplication: duplication / 100,
    leastDelayMs: 0.1,
    mostDelayMs: 0.1 + delay,
  }))

/** What has become of the nodes, besides what the world itself knows. */
export class Fate {
  readonly dead = new Set<string>()
  readonly frozen = new Set<string>()
  readonly unplugged = new Set<string>()
  /** Something on the network is cut. */
  isDivided = false

  suffer(world: World, trouble: Trouble): void {
    switch (trouble.kind) {
      case 'pass':
        world.advance(trouble.ms)
        return
      case 'heal':
        this.#heal(world)
        return
      case 'partition':
        this.#partition(world, trouble.sides)
        return
      case 'sever':
        this.#sever(world, trouble)
        return
      case 'prefer': {
        const [wanted] = SERVICES[trouble.address]!.layer2
        world.change(
          wanting(
            wanted!.ip,
            trouble.order.map((at) => NODES[at]!),
          ),
          trouble.lagMs,
        )
        return
      }
      case 'intrude':
        world.strangerTakes(`192.0.2.${trouble.address}`)
        return
      case 'withdraw':
        world.strangersAddresses.delete(`192.0.2.${trouble.address}`)
        return
      default:
        this.#strike(world, trouble.kind, NODES[trouble.node]!)
    }
  }

  /** Whether every node runs, hears and is heard. */
  get isAllWell(): boolean {
    return !this.isDivided && this.dead.size + this.frozen.size + this.unplugged.size === 0
  }

  /** The network is whole, cables are plugged, every process runs, every node that left or died is started again. */
  recover(world: World): void {
    this.#heal(world)
    for (const node of this.frozen) world.speaker(node).thaw()
    for (const node of this.unplugged) world.speaker(node).interfacesUp(world.segmentNames)
    for (const node of this.dead) world.start(node)
    this.frozen.clear()
    this.unplugged.clear()
    this.dead.clear()
    world.strangersAddresses.clear()
  }

  #heal(world: World): void {
    this.isDivided = false
    world.firstSegment.heal()
    world.routed.heal()
  }

  #partition(world: World, sides: readonly number[]): void {
    this.isDivided = true
    const groups = [1, 2].map((side) => NODES.filter((_, index) => sides[index] === side))
    world.firstSegment.partition(...groups)
    world.routed.partition(...groups)
  }

  #sever(world: World, { from, to, isRouted }: Extract<Trouble, { kind: 'sever' }>): void {
    this.isDivided = true
    world.firstSegment.sever(NODES[from]!, NODES[to]!)
    if (isRouted) world.routed.sever(NODES[from]!, NODES[to]!)
  }

  #strike(world: World, kind: Extract<Trouble, { node: number }>['kind'], node: string): void {
    if (kind === 'start') {
      if (this.dead.delete(node)) world.start(node)
      return
    }
    if (this.dead.has(node)) return
    if (kind === 'freeze' || kind === 'thaw') this.#freeze(world, node, kind === 'freeze')
    else if (kind === 'unplug' || kind === 'plug') this.#unplug(world, node, kind === 'unplug')
    else this.#end(world, node, kind === 'leave')
  }

  #freeze(world: World, node: string, isFrozen: boolean): void {
    if (isFrozen) this.frozen.add(node)
    else this.frozen.delete(node)
    if (isFrozen) world.speaker(node).freeze()
    else world.speaker(node).thaw()
  }

  /** The kernel of a process that stands still sees the carrier all the same, but tells nobody. */
  #unplug(world: World, node: string, isUnplugged: boolean): void {
    if (this.frozen.has(node)) return
    if (isUnplugged) this.unplugged.add(node)
    else this.unplugged.delete(node)
    world.speaker(node).interfacesUp(isUnplugged ? [] : world.segmentNames)
  }

  #end(world: World, node: string, isLeaving: boolean): void {
    if (isLeaving && this.frozen.has(node)) return
    if (isLeaving) {
      world.speaker(node).leave()
      world.advance(1200)
    }
    this.frozen.delete(node)
    this.unplugged.delete(node)
    world.kill(node)
    this.dead.add(node)
  }
}
