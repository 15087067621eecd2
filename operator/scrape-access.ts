/**
 * Who may read the metrics, or the web page: the API server is asked who the bearer of a token is (TokenReview), and
 * whether that user may GET the path (SubjectAccessReview on the non-resource URL), as every component of Kubernetes does.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../runtime/clock.ts'
import type { Answer } from '../runtime/http.ts'
import { ApiError } from './api-error.ts'
import type { Client } from './client.ts'
import type { KubernetesObject, Resource } from './resource.ts'

interface TokenReview extends KubernetesObject {
  readonly spec: { readonly token: string }
  readonly status?: { readonly authenticated?: boolean; readonly user?: User }
}

interface User {
  readonly username?: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

interface SubjectAccessReview extends KubernetesObject {
  readonly spec: {
    readonly user: string
    readonly uid?: string | undefined
    readonly groups?: readonly string[] | undefined
    readonly extra?: Readonly<Record<string, readonly string[]>> | undefined
    readonly nonResourceAttributes: { readonly path: string; readonly verb: 'get' }
  }
  readonly status?: { readonly allowed?: boolean }
}

const TOKEN_REVIEWS: Resource<TokenReview> = {
  ...{ group: 'authentication.k8s.io', version: 'v1', plural: 'tokenreviews', kind: 'TokenReview', namespaced: false },
}
const SUBJECT_ACCESS_REVIEWS: Resource<SubjectAccessReview> = {
  ...{ group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews' },
  ...{ kind: 'SubjectAccessReview', namespaced: false },
}

type Verdict = 'allowed' | 'unauthenticated' | 'forbidden'

/** A right that is taken away holds on for so long; so does a refusal after it was granted. */
const REMEMBER_MS = { allowed: 60_000, unauthenticated: 10_000, forbidden: 10_000 } as const
/** Scrapers are few; whoever sends random tokens must not fill the memory. */
const MAX_REMEMBERED = 64
const REVIEW_LIMIT_MS = 5_000

const REFUSALS: Readonly<Record<Exclude<Verdict, 'allowed'>, Answer>> = {
  unauthenticated: { status: 401, body: 'this page needs the bearer token of a service account\n' },
  forbidden: { status: 403, body: 'the service account may not get this path: bind a role with nonResourceURLs\n' },
}

export class ScrapeAccess {
  readonly #client: Pick<Client, 'create'>
  readonly #clock: Clock
  /** By SHA-256 of path and token: tokens themselves are not kept. */
  readonly #remembered = new Map<string, { readonly verdict: Verdict; readonly untilMs: number }>()

  constructor(client: Pick<Client, 'create'>, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** The refusal; undefined = the request may be answered. */
  async refusalOf({ headers, url }: Pick<IncomingMessage, 'headers' | 'url'>): Promise<Answer | undefined> {
    const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
    if (token === undefined) return REFUSALS.unauthenticated
    const path = (url ?? '/').split('?')[0] ?? '/'
    try {
      const verdict = await this.#verdictOn(token, path)
      return verdict === 'allowed' ? undefined : REFUSALS[verdict]
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { status: 503, body: `the API server cannot be asked who this is: ${error.kind}\n` }
    }
  }

  async #verdictOn(token: string, path: string): Promise<Verdict> {
    const key = createHash('sha256').update(`${path}\n${token}`).digest('base64')
    const known = this.#remembered.get(key)
    if (known !== undefined && this.#clock.now() < known.untilMs) return known.verdict
    const verdict = await this.#review(token, path)
    this.#remembered.delete(key)
    const oldest = this.#remembered.keys().next().value
    if (this.#remembered.size >= MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest)
    this.#remembered.set(key, { verdict, untilMs: this.#clock.now() + REMEMBER_MS[verdict] })
    return verdict
  }

  async #review(token: string, path: string): Promise<Verdict> {
    const metadata = { name: '' }
    const limit = { timeoutMs: REVIEW_LIMIT_MS }
    const { status } = await this.#client.create(TOKEN_REVIEWS, { metadata, spec: { token } }, limit)
    const user = status?.user
    if (status?.authenticated !== true || user?.username === undefined) return 'unauthenticated'
    const { username, uid, groups, extra } = user
    const nonResourceAttributes = { path, verb: 'get' as const }
    const spec = { user: username, uid, groups, extra, nonResourceAttributes }
    const review = await this.#client.create(SUBJECT_ACCESS_REVIEWS, { metadata, spec }, limit)
    return review.status?.allowed === true ? 'allowed' : 'forbidden'
  }
}
