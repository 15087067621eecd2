import assert from 'node:assert/strict'
import {
  ALLOCATED_FROM_POOL,
  adopt,
  capacityOf,
  type Decision,
  decide,
  Ledger,
  passOrder,
  type RequestOptions,
  requestOf,
  type ServiceEvent,
  type ServiceShape,
} from '../core/allocate/index.ts'
import { compileSelector, matchesAny, type Selector } from '../core/config/selector.ts'
import type { Pool, Snapshot } from '../core/config/snapshot.ts'
import { type Family, parsePrefix, parseRange, rangeOfPrefix } from '../net/ip/index.ts'

/**
 * A cluster as the allocator sees it, driven by scripts that read like the scenario table: one line is one step, `;`
 * separates edits that reach the controller together, a line that begins with `=>` says what must be so now. After
 * every step everything is decided once more, which must change nothing.
 *
 *     pool P = 192.0.2.0/29, 192.0.2.64-192.0.2.70 [avoidBuggyIPs]
 *     svc a, b [k=x TCP/80]
 *     => a .0 in P, b .0; events a IPAllocated; writes 2; used P 1
 */
export interface AllocationWorld {
  readonly ledger: Ledger
  /** Runs a script; a failed expectation names its line. */
  run(script: string): void
  /** Decides every Service once more, in this order or any; returns how many writes and events that gave. */
  pass(order?: readonly string[]): { writes: number; events: number }
  readonly serviceNames: readonly string[]
  /** Current status addresses of a Service. */
  addressesOf(name: string): readonly string[]
}

interface WorldService {
  type: string
  namespace: string
  labels: Record<string, string>
  annotations: Record<string, string>
  loadBalancerIP: string
  loadBalancerClass: string | undefined
  policy: string
  families: Family[]
  clusterIPs: number | undefined
  trafficPolicy: string
  selector: string
  ports: string[]
  ingress: { ip?: string; hostname?: string }[]
  age: number
  /** Deleted, and held back by a finalizer. */
  isBeingDeleted: boolean
}

interface WorldPool {
  readonly entries: string
  readonly options: string
}

const CLUSTER_IP: Readonly<Record<Family, string>> = { 4: '10.96.0.1', 6: 'fd00::1' }

export function allocationWorld(options: RequestOptions): AllocationWorld {
  const world = new World(options)
  return world
}

class World implements AllocationWorld {
  ledger = new Ledger()
  readonly #options: RequestOptions
  readonly #pools = new Map<string, WorldPool>()
  readonly #services = new Map<string, WorldService>()
  readonly #namespaces = new Map<string, Record<string, string>>()
  #nowMs = 0
  #born = 0
  #configChanged = true
  #hasRestarted = false
  readonly #touched = new Set<string>()
  #writes = 0
  #events: { service: string; event: ServiceEvent }[] = []

  constructor(options: RequestOptions) {
    this.#options = options
    this.ledger.configure(this.#snapshot())
  }

  get serviceNames(): readonly string[] {
    return [...this.#services.keys()]
  }

  addressesOf(name: string): readonly string[] {
    return this.#service(name).ingress.map((entry) => entry.ip ?? entry.hostname ?? '')
  }

  run(script: string): void {
    const lines = script.split('\n').map((line) => line.trim())
    for (const line of lines.filter((text) => text !== '' && !text.startsWith('#'))) {
      if (line.startsWith('=>')) this.#expect(line)
      else this.#step(line)
    }
  }

  pass(order: readonly string[] = this.serviceNames): { writes: number; events: number } {
    this.#writes = 0
    this.#events = []
    for (const name of order) this.#decide(name)
    return { writes: this.#writes, events: this.#events.length }
  }

  #step(line: string): void {
    this.#writes = 0
    this.#events = []
    for (const edit of line.split(';').map((text) => text.trim())) this.#edit(edit, line)
    this.#settle()
    const [writes, events] = [this.#writes, this.#events]
    assert.deepEqual(this.pass(), { writes: 0, events: 0 }, `deciding again must change nothing, after: ${line}`)
    this.#writes = writes
    this.#events = events
  }

  #edit(edit: string, line: string): void {
    const edits: [RegExp, (...groups: string[]) => void][] = [
      [/^pool (\w+) = ([^[]+?)(?: \[(.*)\])?$/, (name, entries, options) => this.#setPool(name!, entries!, options)],
      [/^delete pool (\w+)$/, (name) => this.#deletePool(name!)],
      [/^svc ([\w, ]+?)(?: \[(.*)\])?$/, (names, options) => this.#create(names!, options ?? '')],
      [/^edit (\w+) \[(.*)\]$/, (name, options) => this.#change(name!, options!)],
      [/^delete ([\w, ]+)$/, (names) => this.#delete(names!)],
      [/^label namespace (\w+) \[(.*)\]$/, (name, labels) => this.#labelNamespace(name!, labels!)],
      [/^status (\w+) = (.*)$/, (name, text) => this.#overwriteStatus(name!, text!)],
      [/^restart$/, () => this.#restart()],
      [/^wait (\d+)s$/, (seconds) => this.#wait(Number(seconds))],
      [/^quarantine (\S+)( unusable)?$/, (address, unusable) => this.#quarantine(address!, unusable !== undefined)],
      [/^served (\w+)$/, (name) => this.ledger.markServed(this.#key(name!))],
      [/^end quarantine (\S+)$/, (address) => this.#endQuarantine(address!)],
      [/^touch (\w+)$/, (name) => this.#touched.add(name!)],
    ]
    for (const [pattern, apply] of edits) {
      const match = pattern.exec(edit)
      if (match === null) continue
      apply(...(match.slice(1) as string[]))
      return
    }
    assert.fail(`not understood: "${edit}" in: ${line}`)
  }

  // ---- what people do to the cluster

  #setPool(name: string, entries: string, options = ''): void {
    this.#pools.set(name, { entries, options })
    this.#configChanged = true
  }

  #deletePool(name: string): void {
    assert.ok(this.#pools.delete(name), `no pool ${name}`)
    this.#configChanged = true
  }

  #create(names: string, options: string): void {
    for (const name of names.split(',').map((text) => text.trim())) {
      this.#services.set(name, {
        type: 'LoadBalancer',
        namespace: 'default',
        labels: {},
        annotations: {},
        loadBalancerIP: '',
        loadBalancerClass: undefined,
        policy: 'SingleStack',
        families: [4],
        clusterIPs: undefined,
        trafficPolicy: 'Cluster',
        selector: `app=${name}`,
        ports: ['TCP/80'],
        ingress: [],
        age: this.#born++,
        isBeingDeleted: false,
      })
      this.#change(name, options)
    }
  }

  #change(name: string, options: string): void {
    const service = this.#service(name)
    const ports = options.match(/\b(TCP|UDP)\/\d+/g)
    if (ports !== null) service.ports = [...ports]
    for (const option of options.split(' ')) {
      if (option !== '' && !/^(TCP|UDP)\/\d+$/.test(option)) applyOption(service, option)
    }
    this.#touched.add(name)
  }

  #delete(names: string): void {
    for (const name of names.split(',').map((text) => text.trim())) {
      const key = this.#key(name)
      this.#services.delete(name)
      this.#touched.delete(name)
      this.ledger.forget(key, this.#nowMs)
    }
  }

  #labelNamespace(name: string, labels: string): void {
    this.#namespaces.set(name, labelsOf(labels))
    this.#configChanged = true
  }

  #overwriteStatus(name: string, text: string): void {
    const entries = text === '-' ? [] : text.split(',').map((part) => part.trim())
    const isAddress = (entry: string) => /^[.:\da-f]+$/.test(entry)
    this.#service(name).ingress = entries.map((entry) =>
      isAddress(entry) ? { ip: this.#full(entry) } : { hostname: entry },
    )
    this.#touched.add(name)
  }

  #restart(): void {
    this.ledger = new Ledger()
    this.ledger.configure(this.#snapshot())
    adopt(
      this.ledger,
      this.serviceNames.map((name) => this.#request(name)),
      this.#nowMs,
    )
    this.#configChanged = true
    this.#hasRestarted = true
  }

  #wait(seconds: number): void {
    this.#nowMs += seconds * 1000
    this.ledger.endRests(this.#nowMs)
  }

  /** Who holds the address is decided anew, as the controller does. */
  #quarantine(text: string, isUnusable: boolean): void {
    const address = this.#full(text)
    this.ledger.quarantine({ address, because: 'test', isUnusable, isOver: false })
    for (const key of this.ledger.holdersOf(address)) this.#touched.add(key.split('/')[1]!)
  }

  #endQuarantine(text: string): void {
    const address = this.#full(text)
    for (const key of this.ledger.holdersOf(address)) this.#touched.add(key.split('/')[1]!)
    this.ledger.endQuarantine(address)
  }

  // ---- what the controller does about it

  #settle(): void {
    if (this.#configChanged) {
      this.#configChanged = false
      this.#touched.clear()
      this.ledger.configure(this.#snapshot())
      const order = passOrder(this.serviceNames.map((name) => this.#request(name)))
      // What was adopted must hold in any order: after a restart, the worst one.
      if (this.#hasRestarted) order.reverse()
      this.#hasRestarted = false
      for (const request of order) this.#decide(request.name)
    }
    for (let round = 0; ; round++) {
      assert.ok(round < 100, 'the Services do not settle')
      for (const key of this.ledger.waiting.takeStirred()) this.#touched.add(key.split('/')[1]!)
      if (this.#touched.size === 0) return
      const requests = [...this.#touched].map((name) => this.#request(name))
      this.#touched.clear()
      for (const request of passOrder(requests)) this.#decide(request.name)
    }
  }

  #decide(name: string): void {
    const decision = decide(this.ledger, this.#request(name), this.#nowMs)
    for (const event of decision.events) this.#events.push({ service: name, event })
    if (decision.changed) this.#write(name, decision)
  }

  #write(name: string, decision: Decision): void {
    const service = this.#service(name)
    service.ingress = decision.addresses.map((ip) => ({ ip }))
    if (decision.pool === undefined) delete service.annotations[ALLOCATED_FROM_POOL]
    else service.annotations[ALLOCATED_FROM_POOL] = decision.pool
    this.#writes++
    this.#touched.add(name)
  }

  #request(name: string) {
    return requestOf(this.#shape(name), this.#options)
  }

  #shape(name: string): ServiceShape {
    const service = this.#service(name)
    const clusterIPs = service.families.map((family) => CLUSTER_IP[family]).slice(0, service.clusterIPs)
    return {
      metadata: {
        name,
        namespace: service.namespace,
        labels: service.labels,
        annotations: service.annotations,
        creationTimestamp: new Date(service.age * 1000),
        ...(service.isBeingDeleted ? { deletionTimestamp: new Date(0) } : {}),
      },
      spec: {
        type: service.type,
        loadBalancerIP: service.loadBalancerIP,
        ...(service.loadBalancerClass === undefined ? {} : { loadBalancerClass: service.loadBalancerClass }),
        ipFamilyPolicy: service.policy,
        ipFamilies: service.families.map((family) => `IPv${family}`),
        clusterIPs,
        externalTrafficPolicy: service.trafficPolicy,
        selector: labelsOf(service.selector),
        ports: service.ports.map((port) => ({ protocol: port.split('/')[0]!, port: Number(port.split('/')[1]) })),
      },
      status: { loadBalancer: { ingress: service.ingress } },
    }
  }

  #snapshot(): Snapshot {
    const names = [...this.#pools.keys()].sort()
    const pools = new Map(names.map((name) => [name, poolOf(name, this.#pools.get(name)!, this.#namespaces)]))
    const none = new Map<string, never>()
    return { pools, l2Advertisements: none, bgpAdvertisements: none, peers: none, bfdProfiles: none, communities: none }
  }

  // ---- what must be so

  #expect(line: string): void {
    const clauses = line.slice(2).split(';')
    for (const clause of clauses.map((text) => text.trim())) {
      const [subject, ...words] = clause.split(/\s+/)
      if (subject === 'events') this.#expectEvents(words[0]!, clause.slice(`events ${words[0]}`.length), line)
      else if (subject === 'writes') assert.equal(this.#writes, Number(words[0]), line)
      else if (subject === 'used') assert.equal(this.#used(words[0]!), Number(words[1]), line)
      else if (subject === 'usable') assert.equal(this.#usable(words[0]!), BigInt(words[1]!), line)
      else if (subject === 'waiting') assert.equal(this.ledger.waiting.size, Number(words[0]), line)
      else if (subject === 'says') this.#expectMessage(words[0]!, words.slice(1).join(' '), line)
      else this.#expectAddresses(clause, line)
    }
  }

  /** `a .0, b - , c 192.0.2.1+2001:db8:: in M` */
  #expectAddresses(clause: string, line: string): void {
    for (const part of clause.split(',').map((text) => text.trim())) {
      const match = /^(\w+) (\S+)(?: in (\w+))?$/.exec(part)
      assert.ok(match !== null, `not understood: "${part}" in: ${line}`)
      const [, name, wanted, pool] = match
      const addresses = wanted === '-' ? [] : wanted!.split('+').map((text) => this.#full(text))
      assert.deepEqual(this.addressesOf(name!), addresses, `${name} in: ${line}`)
      const annotation = this.#service(name!).annotations[ALLOCATED_FROM_POOL]
      if (pool !== undefined) assert.equal(annotation, pool, `pool of ${name} in: ${line}`)
      if (wanted === '-') assert.equal(annotation, undefined, `annotation of ${name} in: ${line}`)
    }
  }

  #expectEvents(name: string, wanted: string, line: string): void {
    const reasons = this.#events.filter((entry) => entry.service === name).map(({ event }) => event.reason)
    const list = wanted.trim() === 'none' ? [] : wanted.split('+').map((text) => text.trim())
    assert.deepEqual(reasons, list, `events on ${name} in: ${line}`)
  }

  #expectMessage(name: string, wanted: string, line: string): void {
    const { message } = decide(this.ledger, this.#request(name), this.#nowMs)
    assert.ok(message.includes(wanted), `${name} says "${message}" in: ${line}`)
  }

  #used(pool: string): number {
    const occupancy = this.ledger.pools.get(pool)!
    return occupancy.inUse(4) + occupancy.inUse(6)
  }

  #usable(pool: string): bigint {
    const { pool: compiled } = this.ledger.pools.get(pool)!
    return capacityOf(compiled, 4) + capacityOf(compiled, 6)
  }

  #service(name: string): WorldService {
    const service = this.#services.get(name)
    assert.ok(service !== undefined, `no Service ${name}`)
    return service
  }

  #key(name: string): string {
    return `${this.#service(name).namespace}/${name}`
  }

  #full(text: string): string {
    return text.startsWith('.') ? `192.0.2${text}` : text
  }
}

function applyOption(service: WorldService, option: string): void {
  const [name, ...rest] = option.split('=')
  const value = rest.join('=')
  const annotate = (annotation: string) => {
    if (value === '') delete service.annotations[annotation]
    else service.annotations[annotation] = value === '""' ? '' : value
  }
  const options: Record<string, () => void> = {
    k: () => annotate('metallb.io/allow-shared-ip'),
    req: () => annotate('metallb.io/loadBalancerIPs'),
    inpool: () => annotate('metallb.io/address-pool'),
    'old-inpool': () => annotate('metallb.universe.tf/address-pool'),
    'spec-ip': () => Object.assign(service, { loadBalancerIP: value }),
    class: () => Object.assign(service, { loadBalancerClass: value || undefined }),
    ns: () => Object.assign(service, { namespace: value }),
    labels: () => Object.assign(service, { labels: labelsOf(value) }),
    selector: () => Object.assign(service, { selector: value }),
    deleting: () => Object.assign(service, { isBeingDeleted: true }),
    type: () => Object.assign(service, { type: value }),
    families: () => Object.assign(service, { families: value.split(',').map(Number) }),
    clusterIPs: () => Object.assign(service, { clusterIPs: Number(value) }),
    Local: () => Object.assign(service, { trafficPolicy: 'Local' }),
    Cluster: () => Object.assign(service, { trafficPolicy: 'Cluster' }),
    DS: () => Object.assign(service, { families: [4, 6] }),
    SingleStack: () => Object.assign(service, { policy: 'SingleStack' }),
    Prefer: () => Object.assign(service, { policy: 'PreferDualStack' }),
    Require: () => Object.assign(service, { policy: 'RequireDualStack' }),
  }
  const apply = options[name!]
  assert.ok(apply !== undefined, `unknown option ${option}`)
  apply()
}

function labelsOf(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair !== '')
  return Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]))
}

function poolOf(name: string, { entries, options }: WorldPool, namespaces: ReadonlyMap<string, Labels>): Pool {
  const parsed = entries.split(',').map((text) => entryOf(text.trim()))
  const has = (option: string) => options.split(' ').includes(option)
  const value = (option: string) => new RegExp(`\\b${option} (\\S+)`).exec(options)?.[1]
  const rule = { object: { kind: 'IPAddressPool', namespace: 'metallb-system', name }, path: '', rule: 'test' } as const
  return {
    name,
    labels: {},
    entries: parsed,
    families: new Set(parsed.map((entry) => entry.range.family)),
    autoAssign: !options.includes('autoAssign false'),
    avoidBuggyIPs: has('avoidBuggyIPs'),
    allocation: allocationOf(value, namespaces),
    suspended: has('broken') ? { ...rule, message: `pool ${name} is broken`, severity: 'error' } : undefined,
    reuseAfterMs: Number(/\breuseAfter (\d+)s/.exec(options)?.[1] ?? 0) * 1000,
  }
}

type Labels = Readonly<Record<string, string>>

function allocationOf(
  value: (option: string) => string | undefined,
  namespaces: ReadonlyMap<string, Labels>,
): Pool['allocation'] {
  const [priority, names] = [value('priority'), value('namespaces')]
  const [namespaceSelector, serviceSelector] = [value('namespaceSelectors'), value('serviceSelectors')]
  if ([priority, names, namespaceSelector, serviceSelector].every((part) => part === undefined)) return undefined
  const selected =
    namespaceSelector === undefined
      ? []
      : [...namespaces].filter(([, labels]) => matchesAny([selectorOf(namespaceSelector)], labels)).map(([key]) => key)
  const restricted = names !== undefined || namespaceSelector !== undefined
  return {
    priority: Number(priority ?? 0),
    namespaces: restricted ? new Set([...(names?.split(',') ?? []), ...selected]) : undefined,
    serviceSelectors: serviceSelector === undefined ? [] : [selectorOf(serviceSelector)],
  }
}

function selectorOf(text: string): Selector {
  return compileSelector({ matchLabels: labelsOf(text) }).selector
}

function entryOf(written: string): Pool['entries'][number] {
  const text = written.startsWith('/') ? `192.0.2.0${written}` : written
  const prefix = parsePrefix(text)
  const range = prefix === undefined ? parseRange(text) : rangeOfPrefix(prefix)
  assert.ok(!('kind' in range), `not an address range: ${text}`)
  return { text, range }
}
