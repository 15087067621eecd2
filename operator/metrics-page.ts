/** `/metrics` of both programs: HTTPS, and only for those whom the API server lets read it. */
import type { Answer } from '../runtime/http.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { type GuardedServer, type GuardedServerOptions, serveGuarded } from './guarded-server.ts'

export interface MetricsPageOptions extends GuardedServerOptions {
  readonly metrics: Metrics
}

/** @throws where it cannot listen, naming the port */
export function serveMetrics({ metrics, ...options }: MetricsPageOptions): Promise<GuardedServer> {
  const page = async (): Promise<Answer> => ({
    ...{ status: 200, body: await metrics.text(), contentType: metrics.contentType },
  })
  return serveGuarded(options, (refusalOf) => ({
    '/metrics': async (request) => (await refusalOf(request)) ?? page(),
  }))
}
