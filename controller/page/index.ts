/** The read-only web page of the controller: what it follows beside the rest, what it shows, who may see it. */
import {
  type Configuration,
  type Follow,
  type GuardedServer,
  type GuardedServerOptions,
  type ReadonlyStore,
  type Service,
  serveGuarded,
} from '../../operator/index.ts'
import type { About } from '../../page/model.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Metrics } from '../../runtime/metrics.ts'
import type { Announcements } from '../announcements.ts'
import { DECISIONS_KEPT, DecisionRing } from './decisions.ts'
import { Feed } from './feed.ts'
import { exposePage } from './metrics.ts'
import { pageRoutes } from './routes.ts'
import { PageSources } from './sources.ts'
import { PageView } from './view.ts'

export interface PageOptions {
  readonly follow: Follow
  readonly namespace: string
  readonly podName: string
  readonly configuration: Configuration
  readonly services: ReadonlyStore<Service>
  readonly announcements: Announcements
  /** `--lb-class`. */
  readonly loadBalancerClass: string
  readonly isLeader: () => boolean
  readonly clock: Clock
  readonly metrics: Metrics
}

/** The owner starts it, and tells the feed what happens to the Services. */
export class Page {
  readonly feed: Feed
  readonly #sources: PageSources

  constructor(options: PageOptions) {
    const { follow, namespace, configuration, services, announcements, loadBalancerClass, clock } = options
    const sources = new PageSources(follow, namespace, {
      onEndpoints: (service) => this.feed.serviceChanged(service),
      onSpeakers: () => this.feed.sectionsChanged('speakers'),
      onRead: () => {
        this.feed.everythingChanged()
        this.feed.sectionsChanged('about')
      },
    })
    this.#sources = sources
    const { nodes, pools } = configuration
    const view = new PageView({
      ...{ services, announcements, sources, loadBalancerClass, pools, nodes: nodes.store },
    })
    const decisions = new DecisionRing(() => clock.wall())
    this.feed = new Feed({ view, decisions, about: () => aboutOf(options, sources), clock })
    configuration.onCompiled((compiled) => {
      view.configured(compiled)
      this.feed.everythingChanged()
    })
    configuration.onPoolChanged(() => this.feed.sectionsChanged('pools'))
    announcements.onChange(({ service }) => this.feed.serviceChanged(service))
    exposePage(options.metrics, this.feed)
  }

  /** Follows what it shows; nothing waits for that. */
  start(): void {
    this.#sources.start()
  }

  /** Ends all connections. */
  async stop(): Promise<void> {
    this.feed.stop()
    await this.#sources.stop()
  }

  /** @throws where it cannot listen, naming the port */
  serve(options: GuardedServerOptions): Promise<GuardedServer> {
    return serveGuarded(options, (refusalOf) => pageRoutes(this.feed, refusalOf))
  }
}

function aboutOf({ podName: pod, namespace, isLeader }: PageOptions, { unread }: PageSources): About {
  return { pod, namespace, isLeader: isLeader(), decisionsKept: DECISIONS_KEPT, unread }
}
