import assert from 'node:assert/strict'
import fc from 'fast-check'
import { allocationWorld } from '../../testkit/allocation-world.ts'
import { property } from '../../testkit/property.ts'
import { DEFAULT_REQUEST_OPTIONS } from './request.ts'

/**
 * Random histories of a small cluster, judged after every step by a naive model that enumerates all addresses:
 *
 * - no address is held twice but by the sharing rules, and none outside a pool that admits its holder
 * - who is new gets exactly what the model, which looks at every address in order, would give it
 * - nobody waits for what there is; nobody moves without cause; a restart, or a status that is wiped, changes nothing
 *
 * 200,000 histories: `INVAR_RUNS=200000 node --test core/allocate/model.test.ts`.
 */

// ---- facts: what the model knows of a Service and of a pool

interface ServiceFacts {
  readonly key: string
  readonly ports: readonly string[]
  readonly isLocal: boolean
  readonly namespace: string
  readonly tier: string
  readonly stack: keyof typeof STACKS
  readonly request: string
}

const STACKS = {
  v4: { options: 'families=4 SingleStack', families: [4], prefers: false },
  v6: { options: 'families=6 SingleStack', families: [6], prefers: false },
  prefer: { options: 'families=4,6 Prefer', families: [4, 6], prefers: true },
  prefer6: { options: 'families=6,4 Prefer', families: [4, 6], prefers: true },
  preferOne: { options: 'families=4 Prefer', families: [4], prefers: true },
  require: { options: 'families=4,6 Require', families: [4, 6], prefers: false },
} as const

/** Prefix of the text, first and last number behind it. */
type Entry = readonly [prefix: string, first: number, last: number]

interface PoolFacts {
  readonly name: string
  readonly entries: readonly Entry[]
  readonly options: string
}

/** Each area is cut into pools in one of these ways at a time: pools come, go, grow, shrink, split and are renamed. */
const AREAS: readonly (readonly (readonly Omit<PoolFacts, 'options'>[])[])[] = [
  [
    [],
    [{ name: 'P', entries: [['192.0.2.', 0, 3]] }],
    [{ name: 'P', entries: [['192.0.2.', 0, 1]] }],
    [{ name: 'S', entries: [['192.0.2.', 0, 3]] }],
    [
      { name: 'P', entries: [['192.0.2.', 2, 3]] },
      { name: 'S', entries: [['192.0.2.', 0, 1]] },
    ],
  ],
  [
    [],
    [
      {
        name: 'M',
        entries: [
          ['192.0.2.', 8, 9],
          ['2001:db8::', 1, 3],
        ],
      },
    ],
    [{ name: 'M', entries: [['2001:db8::', 1, 2]] }],
    [{ name: 'M', entries: [['192.0.2.', 9, 10]] }],
    [
      {
        name: 'A',
        entries: [
          ['2001:db8::', 2, 3],
          ['192.0.2.', 8, 8],
          ['192.0.2.', 254, 255],
        ],
      },
    ],
  ],
]

const POOL_OPTIONS = [
  '',
  'autoAssign false',
  'avoidBuggyIPs',
  'namespaces team',
  'serviceSelectors tier=db',
  'priority 5',
  'broken',
]

// ---- steps

type Step =
  | { readonly kind: 'create'; readonly name: string; readonly facts: ServiceFacts }
  | { readonly kind: 'edit'; readonly name: string; readonly facts: Partial<ServiceFacts> }
  | { readonly kind: 'delete'; readonly name: string }
  | { readonly kind: 'pools'; readonly area: number; readonly cut: number; readonly options: readonly string[] }
  | { readonly kind: 'wipe'; readonly name: string }
  | { readonly kind: 'restart' }

const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
const requests = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('req=192.0.2.1', 'req=192.0.2.9', 'req=2001:db8::2', 'req=192.0.2.8,2001:db8::2'),
  },
  { weight: 1, arbitrary: fc.constantFrom('inpool=P', 'inpool=M', 'inpool=A') },
)
const facts = {
  key: fc.constantFrom('', 'x', 'x', 'x', 'y'),
  ports: fc.uniqueArray(fc.constantFrom('TCP/80', 'TCP/81', 'UDP/80'), { minLength: 1, maxLength: 2 }),
  isLocal: fc.constantFrom(false, false, true),
  namespace: fc.constantFrom('default', 'team'),
  tier: fc.constantFrom('', 'db'),
  stack: fc.constantFrom('v4', 'v4', ...(Object.keys(STACKS) as (keyof typeof STACKS)[])),
  request: requests,
}
const { namespace: _, ...editable } = facts
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('create'), name: names, facts: fc.record(facts) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('edit'), name: names, facts: fc.record(editable, { requiredKeys: [] }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete'), name: names }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pools'),
      area: fc.nat(AREAS.length - 1),
      cut: fc.nat(4),
      options: fc.tuple(fc.constantFrom(...POOL_OPTIONS), fc.constantFrom(...POOL_OPTIONS)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wipe'), name: names }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart') }) },
) as fc.Arbitrary<Step>

// ---- the naive model

type Held = ReadonlyMap<string, readonly string[]>

class Model {
  services = new Map<string, ServiceFacts>()
  pools = new Map<string, PoolFacts>()
  /** The pool that each holder was last seen in: what its annotation says. */
  readonly #lastPools = new Map<string, string>()

  /** Addresses that the pool has, in the order in which it gives them. */
  addresses(pool: PoolFacts, family?: number): readonly string[] {
    const all = pool.entries.flatMap(([prefix, first, last]) => {
      return Array.from({ length: last - first + 1 }, (_none, index) => `${prefix}${first + index}`)
    })
    const usable = pool.options === 'avoidBuggyIPs' ? all.filter((text) => !/\.(0|255)$/.test(text)) : all
    return family === undefined ? usable : usable.filter((text) => familyOf(text) === family)
  }

  admits(pool: PoolFacts, service: ServiceFacts): boolean {
    if (pool.options === 'namespaces team') return service.namespace === 'team'
    return pool.options !== 'serviceSelectors tier=db' || service.tier === 'db'
  }

  mayHold(name: string, address: string, held: Held): boolean {
    const service = this.services.get(name)!
    return [...this.services].every(([other, facts]) => {
      if (other === name || !held.get(other)?.includes(address)) return true
      const sameKeys = service.key !== '' && facts.key === service.key && facts.isLocal === service.isLocal
      const sameBackend = !service.isLocal || facts.namespace === service.namespace
      return sameKeys && sameBackend && !facts.ports.some((port) => service.ports.includes(port))
    })
  }

  poolOf(addresses: readonly string[]): PoolFacts | undefined {
    return [...this.pools.values()].find((pool) => addresses.every((text) => this.addresses(pool).includes(text)))
  }

  /** A broken pool keeps who was in it, though its entries cannot be read now (ADR 0007). */
  poolHolding(name: string, addresses: readonly string[]): PoolFacts | undefined {
    const last = this.pools.get(this.#lastPools.get(name) ?? '')
    const isLast = addresses.every((text) => (this.poolOf([text]) ?? last) === last)
    return this.poolOf(addresses) ?? (last?.options === 'broken' && isLast ? last : undefined)
  }

  note(held: Held): void {
    for (const [name, addresses] of held) {
      const pool = addresses.length === 0 ? undefined : this.poolHolding(name, addresses)
      if (pool === undefined) this.#lastPools.delete(name)
      else this.#lastPools.set(name, pool.name)
    }
  }

  /** Whether what a Service has may stay. */
  isValid(name: string, addresses: readonly string[], held: Held): boolean {
    const service = this.services.get(name)!
    const { families, prefers } = STACKS[service.stack]
    const shown = addresses.map(familyOf)
    const fits = shown.join() === families.join() || (prefers && families.length === 2 && shown.length === 1)
    const pool = this.poolHolding(name, addresses)
    const isAsked = isSatisfied(service.request, addresses, pool?.name, families)
    const isAdmitted = pool !== undefined && this.admits(pool, service)
    return fits && isAsked && isAdmitted && addresses.every((text) => this.mayHold(name, text, held))
  }

  /** What a Service without addresses gets; undefined = nothing. */
  choose(name: string, held: Held): readonly string[] | undefined {
    const service = this.services.get(name)!
    const { families } = STACKS[service.stack]
    if (service.request.startsWith('req=')) return this.#chooseRequested(name, service, held)
    const wanted = service.request.startsWith('inpool=') ? service.request.slice(7) : undefined
    const open = [...this.pools.values()].filter(
      (pool) => this.admits(pool, service) && pool.options !== 'broken' && (wanted ?? pool.name) === pool.name,
    )
    const lists = wanted === undefined ? automaticLists(open) : [open]
    for (const pools of lists) {
      for (const set of alternatives(service.stack, families)) {
        for (const pool of pools) {
          const found = set.map((family) => this.lowest(name, pool, family, held))
          if (!found.includes(undefined)) return found as string[]
        }
      }
    }
    return undefined
  }

  lowest(name: string, pool: PoolFacts, family: number, held: Held): string | undefined {
    if (pool.options === 'broken') return undefined
    return this.addresses(pool, family).find((text) => this.mayHold(name, text, held))
  }

  #chooseRequested(name: string, service: ServiceFacts, held: Held): readonly string[] | undefined {
    const asked = service.request.slice(4).split(',')
    const pool = this.poolOf(asked)
    const fits = asked.map(familyOf).join() === STACKS[service.stack].families.join()
    if (!fits || pool === undefined || pool.options === 'broken' || !this.admits(pool, service)) return undefined
    return asked.every((text) => this.mayHold(name, text, held)) ? asked : undefined
  }
}

function familyOf(text: string): number {
  return text.includes(':') ? 6 : 4
}

function automaticLists(open: readonly PoolFacts[]): readonly (readonly PoolFacts[])[] {
  const auto = open.filter((pool) => pool.options !== 'autoAssign false').sort((a, b) => (a.name < b.name ? -1 : 1))
  const isPinned = (pool: PoolFacts) => /^(namespaces|serviceSelectors|priority)/.test(pool.options)
  const first = auto.filter((pool) => pool.options === 'priority 5')
  return [
    [...first, ...auto.filter((pool) => isPinned(pool) && !first.includes(pool))],
    auto.filter((pool) => !isPinned(pool)),
  ]
}

function alternatives(stack: keyof typeof STACKS, families: readonly number[]): readonly (readonly number[])[] {
  if (stack === 'prefer') return [families, [4], [6]]
  return stack === 'prefer6' ? [families, [6], [4]] : [families]
}

/** A request that can never be granted asks for nothing: what is held stays. */
function isSatisfied(
  request: string,
  addresses: readonly string[],
  pool: string | undefined,
  families: readonly number[],
): boolean {
  if (request.startsWith('inpool=')) return pool === request.slice(7)
  if (!request.startsWith('req=')) return true
  const asked = request.slice(4).split(',')
  return asked.join() === addresses.join() || asked.map(familyOf).join() !== families.join()
}

// ---- a history

class History {
  readonly #world = allocationWorld(DEFAULT_REQUEST_OPTIONS)
  readonly #model = new Model()

  take(step: Step): void {
    const before = this.#held()
    const script = this.#apply(step)
    if (script === '') return
    this.#world.run(script)
    const after = this.#held()
    const touched = step.kind === 'create' || step.kind === 'edit' ? step.name : undefined
    if (step.kind === 'create') this.#checkNew(step.name, after)
    if (step.kind === 'restart' || step.kind === 'wipe')
      assert.deepEqual(after, before, `a ${step.kind} changes nothing`)
    this.#checkUse(after)
    this.#checkMoves(before, after, touched, step.kind === 'pools')
    this.#checkWaiting(after)
    this.#checkCounters(after)
    this.#model.note(after)
  }

  #held(): Map<string, readonly string[]> {
    return new Map([...this.#model.services.keys()].map((name) => [name, this.#world.addressesOf(name)]))
  }

  /** Tells the model, and returns what to tell the world; '' = the step makes no sense now. */
  #apply(step: Step): string {
    const { services } = this.#model
    if (step.kind === 'restart') return 'restart\n=> writes 0'
    if (step.kind === 'pools') return this.#recut(step)
    const known = services.get(step.name)
    if ((known === undefined) !== (step.kind === 'create')) return ''
    if (step.kind === 'wipe') return `status ${step.name} = -`
    if (step.kind === 'delete') {
      services.delete(step.name)
      return `delete ${step.name}`
    }
    const facts = { ...known, ...step.facts } as ServiceFacts
    services.set(step.name, facts)
    return `${step.kind === 'create' ? 'svc' : 'edit'} ${step.name} [${optionsOf(facts)}]`
  }

  #recut(step: Step & { kind: 'pools' }): string {
    const { pools } = this.#model
    const area = AREAS[step.area]!
    const wanted = area[step.cut]!.map((pool, index) => ({ ...pool, options: step.options[index]! }))
    const edits: string[] = []
    for (const name of new Set(area.flat().map((pool) => pool.name))) {
      if (!pools.has(name) || wanted.some((pool) => pool.name === name)) continue
      pools.delete(name)
      edits.push(`delete pool ${name}`)
    }
    for (const pool of wanted) {
      const entries = pool.entries.map(([prefix, first, last]) => `${prefix}${first}-${prefix}${last}`)
      pools.set(pool.name, pool)
      edits.push(`pool ${pool.name} = ${entries.join(', ')}${pool.options === '' ? '' : ` [${pool.options}]`}`)
    }
    return edits.join('; ')
  }

  #checkNew(name: string, held: Held): void {
    const others = new Map([...held].filter(([other]) => other !== name))
    assert.deepEqual(held.get(name), this.#model.choose(name, others) ?? [], `what ${name} gets`)
  }

  #checkUse(held: Held): void {
    for (const [name, addresses] of held) {
      if (addresses.length === 0) continue
      assert.ok(this.#model.isValid(name, addresses, held), `${name} may hold ${addresses.join('+')}`)
    }
  }

  #checkMoves(before: Held, after: Held, touched: string | undefined, poolsChanged: boolean): void {
    for (const [name, addresses] of after) {
      const had = before.get(name) ?? []
      const mayMove = name === touched || poolsChanged
      if (had.length === 0 || (mayMove && !this.#model.isValid(name, had, before))) continue
      for (const address of had) assert.ok(addresses.includes(address), `${name} moved without cause`)
    }
  }

  #checkWaiting(held: Held): void {
    for (const [name, addresses] of held) {
      const { stack, request } = this.#model.services.get(name)!
      if (addresses.length === 0) {
        assert.equal(this.#model.choose(name, held), undefined, `${name} waits although there is room`)
      } else if (stack.startsWith('prefer') && !request.startsWith('req=')) {
        this.#checkSecond(name, addresses, held)
      }
    }
  }

  #checkSecond(name: string, addresses: readonly string[], held: Held): void {
    const missing = STACKS[this.#model.services.get(name)!.stack].families.find(
      (family) => !addresses.map(familyOf).includes(family),
    )
    if (missing === undefined) return
    const room = this.#model.lowest(name, this.#model.poolHolding(name, addresses)!, missing, held)
    assert.equal(room, undefined, `${name} lacks a second address although there is one`)
  }

  #checkCounters(held: Held): void {
    const inUse = new Set([...held.values()].flat())
    for (const [name, occupancy] of this.#world.ledger.pools) {
      const own = this.#model.addresses(this.#model.pools.get(name)!)
      assert.equal(occupancy.inUse(4) + occupancy.inUse(6), own.filter((text) => inUse.has(text)).length, name)
      const services = [...held.values()].filter((addresses) => own.includes(addresses[0] ?? '')).length
      assert.equal(occupancy.services, services, name)
    }
  }
}

function optionsOf(facts: ServiceFacts): string {
  const { key, ports, isLocal, namespace, tier, stack, request } = facts
  const asked = request === '' ? 'req= inpool=' : `${request} ${request.startsWith('req=') ? 'inpool=' : 'req='}`
  const labels = tier === '' ? 'labels=' : `labels=tier=${tier}`
  const policy = isLocal ? 'Local' : 'Cluster'
  return `k=${key} ${ports.join(' ')} ${policy} selector=app=w ns=${namespace} ${labels} ${STACKS[stack].options} ${asked}`
}

property(
  'random histories end as the naive model says',
  [fc.array(steps, { minLength: 1, maxLength: 25 })],
  (history) => {
    const world = new History()
    for (const step of history) world.take(step)
  },
)
