/** Every family of metrics that the programs register, read from the code that registers them. */
import { exposeController, reconcileObserver } from '../../controller/metrics.ts'
import { exposePage } from '../../controller/page/metrics.ts'
import { exposeWebhook } from '../../controller/webhook/metrics.ts'
import { clientMetrics } from '../../operator/index.ts'
import { silentLog } from '../../runtime/log.ts'
import { Metrics } from '../../runtime/metrics.ts'
import { exposeBgp } from '../../speaker/bgp-metrics.ts'
import { exposeSpeaker } from '../../speaker/metrics.ts'
import { Uplinks } from '../../speaker/uplinks.ts'

export type Program = 'controller' | 'speaker'

export interface Family {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

/** What prom-client keeps of a metric; its types do not tell. */
type Registered = Family & { readonly labelNames: readonly string[] }

/** Where nobody scrapes, nobody is asked. */
function unasked(): never {
  throw new Error('the catalogue reads names, not values')
}

const REGISTER: Readonly<Record<Program, (metrics: Metrics) => void>> = {
  controller(metrics) {
    clientMetrics(metrics)
    exposeController(metrics, unasked)
    reconcileObserver(metrics)
    exposeWebhook(metrics, unasked)
    exposePage(metrics, { readers: 0, dropped: { 'too-many': 0, slow: 0, refused: 0 } })
  },
  speaker(metrics) {
    clientMetrics(metrics)
    exposeSpeaker(metrics, {
      ...{ node: '', announcedByBgp: unasked, unannounced: unasked, readCounters: unasked },
      ...{ ownership: { keys: unasked, addressesOf: unasked }, conflicts: { values: unasked, seen: {} } },
    } as never)
    exposeBgp(metrics, unasked)
    new Uplinks({ node: '', log: silentLog, metrics, raise: unasked })
  },
}

/** Families of ours, by name; `process_*` and `nodejs_*` come from the runtime. */
export function familiesOf(program: Program): readonly Family[] {
  const metrics = new Metrics()
  metrics.collectProcess()
  REGISTER[program](metrics)
  const registered = metrics.registry.getMetricsAsArray() as unknown as readonly Registered[]
  const ours = registered.filter(({ name }) => !isOfTheRuntime(name))
  const families = ours.map(({ name, type, labelNames, help }) => ({ name, type, labels: labelNames, help }))
  return families.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What every program on Node exposes under these names. */
export function isOfTheRuntime(metric: string): boolean {
  return /^(?:process|nodejs)_/.test(metric)
}
