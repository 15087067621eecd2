/**
 * The process's metrics. prom-client does the work; what is here is the one registry and the rule that a family of
 * series vanishes with the object it speaks of.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { VERSION } from './version.ts'

export type { Counter, Gauge, Histogram } from 'prom-client'

/**
 * Statistics of the loop's delay are taken by a timer that rings a hundred times a second: half of all that a speaker at
 * rest does. How long the loop lets a scrape wait (`nodejs_eventloop_lag_seconds`) is told without.
 */
const SAMPLED = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((of) => `nodejs_eventloop_lag_${of}_seconds`)
/** prom-client starts that timer whatever is asked of it. */
const SELDOM_MS = 3_600_000

export class Metrics {
  readonly registry = new Registry()

  /** Adds `process_*`, the runtime's own families (`nodejs_*`) but for those that are sampled, and `invar_build_info`. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: SELDOM_MS })
    for (const name of SAMPLED) this.registry.removeSingleMetric(name)
    this.gauge('invar_build_info', 'Always 1; the labels say what runs', ['version', 'node']).set(
      { version: VERSION, node: process.version },
      1,
    )
  }

  counter<Label extends string = never>(name: string, help: string, labels: readonly Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames: labels, registers: [this.registry] })
  }

  /**
   * @param collect called at each scrape; for values that are cheaper to read then than to keep up to date
   */
  gauge<Label extends string = never>(
    name: string,
    help: string,
    labels: readonly Label[] = [],
    collect?: (gauge: Gauge<Label>) => void | Promise<void>,
  ): Gauge<Label> {
    const options = { name, help, labelNames: labels, registers: [this.registry] }
    if (collect === undefined) return new Gauge(options)
    return new Gauge({
      ...options,
      collect() {
        return collect(this)
      },
    })
  }

  /**
   * A counter that somebody else counts: at each scrape `read` sets all its series, and those that it does not set are
   * gone.
   */
  counterReadAtScrape<Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    read: (set: (series: Record<Label, string>, total: number) => void) => Promise<void>,
  ): void {
    new Counter({
      ...{ name, help, labelNames: labels, registers: [this.registry] },
      async collect() {
        this.reset()
        await read((series, total) => this.inc(series, total))
      },
    })
  }

  histogram<Label extends string = never>(
    name: string,
    help: string,
    bucketsSeconds: readonly number[],
    labels: readonly Label[] = [],
  ): Histogram<Label> {
    return new Histogram({ name, help, labelNames: labels, buckets: [...bucketsSeconds], registers: [this.registry] })
  }

  /** The exposition text that a scraper reads. */
  text(): Promise<string> {
    return this.registry.metrics()
  }

  get contentType(): string {
    return this.registry.contentType
  }
}

/** Buckets for what the API server answers in: 1 ms to 30 s. */
export const LATENCY_BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const
