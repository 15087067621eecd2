/** What is to be done about the webhook's certificates, decided from what is there and the time. Pure. */

const DAY_MS = 86_400_000
export const AUTHORITY_LIFETIME_MS = 3_650 * DAY_MS
export const SERVER_LIFETIME_MS = 365 * DAY_MS
/** Time enough for somebody to notice that renewals fail. */
export const RENEW_BEFORE_MS = 90 * DAY_MS
export const CHECK_INTERVAL_MS = DAY_MS / 2
/** Certificates begin so much in the past: the clock of an API server may be behind ours. */
export const BACKDATE_MS = 3_600_000

/** One certificate with its key, as far as it matters here. */
export type Held =
  | { readonly kind: 'absent' }
  /** There is something, yet it does not serve: `because` completes "the certificate …". */
  | { readonly kind: 'unusable'; readonly because: string }
  /** Milliseconds since 1970. */
  | { readonly kind: 'held'; readonly notBefore: number; readonly notAfter: number }

export interface HeldCertificates {
  readonly authority: Held
  /** Usable only where the authority has signed it for the name of the Service. */
  readonly server: Held
}

export type CertificatePlan =
  | { readonly kind: 'keep' }
  | { readonly kind: 'issue-server'; readonly because: string }
  | {
      readonly kind: 'issue-authority'
      readonly because: string
      /** The old authority is still good: clients go on trusting it until all replicas serve with the new one. */
      readonly isHandover: boolean
    }

/** @param wallMs milliseconds since 1970 */
export function planCertificates({ authority, server }: HeldCertificates, wallMs: number): CertificatePlan {
  const authorityFault = faultOf('authority', authority, wallMs)
  if (authorityFault !== undefined) {
    const isHandover = authority.kind === 'held' && authority.notBefore <= wallMs && wallMs < authority.notAfter
    return { kind: 'issue-authority', because: authorityFault, isHandover }
  }
  const serverFault = faultOf('server certificate', server, wallMs)
  return serverFault === undefined ? { kind: 'keep' } : { kind: 'issue-server', because: serverFault }
}

function faultOf(what: string, held: Held, wallMs: number): string | undefined {
  if (held.kind === 'absent') return `there is no ${what} yet`
  if (held.kind === 'unusable') return `the ${what} ${held.because}`
  if (wallMs < held.notBefore) return `the ${what} is not valid before ${dayOf(held.notBefore)}`
  if (wallMs >= held.notAfter - RENEW_BEFORE_MS) return `the ${what} expires on ${dayOf(held.notAfter)}`
  return undefined
}

function dayOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10)
}

/** From when to when a new certificate is valid; no longer than its issuer. Milliseconds since 1970. */
export interface Validity {
  readonly notBefore: number
  readonly notAfter: number
}

export function authorityValidity(wallMs: number): Validity {
  return { notBefore: wallMs - BACKDATE_MS, notAfter: wallMs + AUTHORITY_LIFETIME_MS }
}

export function serverValidity(wallMs: number, authority: Validity): Validity {
  return {
    notBefore: Math.max(wallMs - BACKDATE_MS, authority.notBefore),
    notAfter: Math.min(wallMs + SERVER_LIFETIME_MS, authority.notAfter),
  }
}
