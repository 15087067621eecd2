/** The token that is shown to the page: a short-lived one of an account that may look at it and nothing else, or one's own. */
import type { RequestOptions } from 'node:https'
import {
  type Client,
  type KubeConfigSource,
  type KubernetesObject,
  loadKubeConfig,
  type Resource,
} from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { CannotRun } from './cannot-run.ts'

interface TokenRequest extends KubernetesObject {
  readonly spec: { readonly expirationSeconds: number }
  readonly status?: { readonly token: string }
}

const LIFE_SECONDS = 3_600
/** Asked anew when so much of its life is over. */
const RENEWED_AT = 0.8

/** Tokens of a service account, renewed in time. */
export class AccountToken {
  readonly #client: Pick<Client, 'create'>
  readonly #clock: Clock
  readonly #resource: Resource<TokenRequest>
  readonly #namespace: string
  #current: { readonly token: string; readonly untilMs: number } | undefined

  constructor(client: Pick<Client, 'create'>, clock: Clock, namespace: string, account: string) {
    this.#client = client
    this.#clock = clock
    this.#namespace = namespace
    const plural = `serviceaccounts/${encodeURIComponent(account)}/token`
    this.#resource = { group: '', version: 'v1', plural, kind: 'TokenRequest', namespaced: true }
  }

  /** @throws ApiError, CannotRun */
  async get(): Promise<string> {
    const known = this.#current
    if (known !== undefined && this.#clock.now() < known.untilMs) return known.token
    const request: TokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name: '', namespace: this.#namespace },
      spec: { expirationSeconds: LIFE_SECONDS },
    }
    const { status } = await this.#client.create(this.#resource, request)
    if (status === undefined) throw new CannotRun('the API server gave no token', 'is it Kubernetes 1.24 or later?')
    this.#current = { token: status.token, untilMs: this.#clock.now() + LIFE_SECONDS * 1_000 * RENEWED_AT }
    return status.token
  }
}

/** The bearer token of the kubeconfig. @throws CannotRun where it has none */
export async function ownToken(source: KubeConfigSource): Promise<string> {
  const options: RequestOptions = { headers: {} }
  await loadKubeConfig(source).applyToHTTPSOptions(options)
  const { Authorization: authorization = '' } = options.headers as Readonly<Record<string, string>>
  const token = /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1]
  if (token !== undefined) return token
  throw new CannotRun(
    'the kubeconfig has no bearer token (a client certificate cannot be shown to the page)',
    'leave --own-token out',
  )
}
