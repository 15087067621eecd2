/** Everything that the page shows, worked out of what the controller follows, when somebody asks. */
import { ClusterView, DEFAULT_VIEW } from '../../core/announce/index.ts'
import type { Compiled, Problem, Snapshot } from '../../core/config/index.ts'
import type { IPAddressPool } from '../../crds/index.ts'
import type { KeptNode, ReadonlyStore, Service } from '../../operator/index.ts'
import type { PoolRow, ProblemRow, ServiceRow, SpeakerRow } from '../../page/model.ts'
import type { Announcements } from '../announcements.ts'
import { poolRow } from './pool-row.ts'
import { serviceRow } from './service-row.ts'
import type { PageSources } from './sources.ts'
import { speakerRow } from './speaker-row.ts'

export interface PageViewOptions {
  readonly services: ReadonlyStore<Service>
  readonly nodes: ReadonlyStore<KeptNode>
  readonly pools: ReadonlyStore<IPAddressPool>
  readonly announcements: Pick<Announcements, 'answering' | 'routing' | 'conflictsOf'>
  readonly sources: Pick<PageSources, 'endpointsOf' | 'stateOf' | 'sessions'>
  /** `--lb-class`. */
  readonly loadBalancerClass: string
}

export class PageView {
  readonly #options: PageViewOptions
  #snapshot: Snapshot | undefined
  #problems: readonly Problem[] = []
  #cluster: ClusterView | undefined

  constructor(options: PageViewOptions) {
    this.#options = options
  }

  /** After each compilation. */
  configured({ snapshot, problems }: Compiled): void {
    this.#snapshot = snapshot
    this.#problems = problems
    // What flags tell the speakers is not known here; their defaults are.
    this.#cluster = new ClusterView(snapshot, this.#options.nodes.values(), DEFAULT_VIEW, this.#cluster)
    const names = this.#cluster.nodes.map(({ name }) => name)
    this.#options.sources.sessions.keep(new Set(names), new Set(snapshot.peers.keys()))
  }

  /** `namespace/name` of all Services there are. */
  serviceKeys(): Iterable<string> {
    return this.#options.services.keys()
  }

  /** undefined = there is none, or it is none of our load balancers. */
  service(key: string): ServiceRow | undefined {
    const { services, announcements, sources, loadBalancerClass } = this.#options
    const service = services.get(key)
    if (service?.spec?.type !== 'LoadBalancer' || this.#cluster === undefined) return undefined
    return serviceRow(service, {
      answers: announcements.answering(key),
      routes: announcements.routing(key),
      conflicts: announcements.conflictsOf(key),
      endpoints: sources.endpointsOf(key),
      view: this.#cluster,
      loadBalancerClass,
    })
  }

  pools(): readonly PoolRow[] {
    const snapshot = this.#snapshot
    if (snapshot === undefined) return []
    const rows = [...this.#options.pools.values()].map((pool) => poolRow(pool, snapshot, this.#problems))
    return rows.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  speakers(): readonly SpeakerRow[] {
    const [snapshot, { sources }] = [this.#snapshot, this.#options]
    if (snapshot === undefined) return []
    return this.#cluster!.nodes.map((node) =>
      speakerRow(node, sources.stateOf(node.name), snapshot, (peer) => sources.sessions.of(node.name, peer)),
    )
  }

  problems(): readonly ProblemRow[] {
    return this.#problems.map(({ severity, object, rule, message }) => {
      return { severity, object: `${object.kind} ${object.name}`, rule, sentence: message }
    })
  }
}
