import type { Metrics } from '../../runtime/metrics.ts'

/** Counts a review of an object of that kind by what became of it. */
export type CountReview = (kind: string, answer: 'allowed' | 'refused' | 'unjudged' | 'malformed' | 'failed') => void

/** @param notAfterMs time after which the certificate that is served is not valid; 0 = none is served */
export function exposeWebhook(metrics: Metrics, notAfterMs: () => number): CountReview {
  const reviews = metrics.counter('invar_webhook_reviews_total', 'Reviews answered', ['kind', 'answer'])
  const help = 'Time after which the certificate is not valid, in seconds since 1970; 0 = none is served'
  metrics.gauge('invar_webhook_certificate_not_after_seconds', help, [], (gauge) => gauge.set(notAfterMs() / 1_000))
  return (kind, answer) => reviews.inc({ kind, answer })
}
