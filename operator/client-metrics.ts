/** Metrics that both programs keep of their talk with the API server, under MetalLB's names where it has one. */
import type { Problem } from '../core/config/index.ts'
import { LATENCY_BUCKETS_SECONDS, type Metrics } from '../runtime/metrics.ts'
import type { ObservedRequest } from './client.ts'

export interface ClientMetrics {
  /** For {@link ClientOptions.observe}. */
  readonly observeRequest: (request: ObservedRequest) => void
  /** An object of the API changed. */
  readonly countUpdate: () => void
  /** A list or watch failed. */
  readonly countUpdateError: () => void
  /** After each compilation, with what is wrong. */
  readonly configured: (problems: readonly Problem[]) => void
}

export function clientMetrics(metrics: Metrics): ClientMetrics {
  const updates = metrics.counter('metallb_k8s_client_updates_total', 'Changes of objects that were seen')
  const errors = metrics.counter('metallb_k8s_client_update_errors_total', 'Lists and watches that failed')
  const loaded = metrics.gauge('metallb_k8s_client_config_loaded_bool', '1 once a configuration was loaded')
  const stale = metrics.gauge(
    'metallb_k8s_client_config_stale_bool',
    '1 while something of the newest configuration is not in force',
  )
  const latency = metrics.histogram(
    'invar_api_request_duration_seconds',
    'Requests to the API server',
    LATENCY_BUCKETS_SECONDS,
    ['verb', 'resource', 'code'],
  )
  loaded.set(0)
  stale.set(0)
  return {
    observeRequest: ({ verb, resource, code, durationMs }) =>
      latency.observe({ verb, resource, code }, durationMs / 1_000),
    countUpdate: () => updates.inc(),
    countUpdateError: () => errors.inc(),
    configured: (problems) => {
      loaded.set(1)
      // As ConfigurationState judges: what waits for a Secret is not in force either.
      stale.set(problems.some(({ severity }) => severity !== 'notice') ? 1 : 0)
    },
  }
}
