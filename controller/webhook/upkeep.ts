/**
 * The leader's work on the webhook: the Secret holds certificates that will last, and the ValidatingWebhookConfiguration
 * tells the API server to trust them. Nothing is written where nothing differs.
 */
import {
  ApiError,
  type Client,
  type Fence,
  type KubernetesObject,
  type Outcome,
  Reconciler,
  type Resource,
  SECRETS,
  type Secret,
  unless,
} from '../../operator/index.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import type { Random } from '../../runtime/random.ts'
import { type CertificateTexts, examine, secretDataOf, textsOfSecret } from './certificate-texts.ts'
import { type CertificatePlan, CHECK_INTERVAL_MS, planCertificates } from './certificates.ts'

/** admissionregistration.k8s.io/v1, as far as it is read here. */
export interface ValidatingWebhookConfiguration extends KubernetesObject {
  readonly webhooks?: readonly {
    readonly name: string
    /** PEM in base64. */
    readonly clientConfig?: { readonly caBundle?: string }
  }[]
}

export const VALIDATING_WEBHOOK_CONFIGURATIONS: Resource<ValidatingWebhookConfiguration> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  namespaced: false,
}

/** Whoever looks at managedFields (GitOps tools do) finds under this name `caBundle` and nothing else. */
const FIELD_MANAGER = 'invar-webhook'
const KEY = 'certificates'

export interface UpkeepOptions {
  readonly client: Pick<Client, 'get' | 'create' | 'patch'>
  readonly namespace: string
  readonly secretName: string
  readonly configurationName: string
  /** The name by which the API server calls the webhook. */
  readonly dnsName: string
  /** How long API servers may go on with the trust that they had: where the authority changes, both are trusted first. */
  readonly handoverMs: number
  /** Runs a write, only while this replica leads. */
  readonly guard: <T>(write: (fence: Fence) => Promise<T>) => Promise<T>
  /** After the Secret was written. */
  readonly onIssued: (texts: CertificateTexts) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly onFault: (error: unknown) => void
}

export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #reconciler: Reconciler
  #stopping = new AbortController()
  #trusted: string | undefined

  constructor(options: UpkeepOptions) {
    this.#options = options
    this.#reconciler = new Reconciler({
      clock: options.clock,
      random: options.random,
      concurrency: 1,
      allKeys: () => [KEY],
      reconcile: () => this.#reconcile(),
      onFault: (_, error) => options.onFault(error),
      observe: ({ outcome }) => this.#tell(outcome),
    })
  }

  /** PEM that the API server was last seen to trust; undefined before this replica has looked. */
  get trusted(): string | undefined {
    return this.#trusted
  }

  start(): void {
    this.#stopping = new AbortController()
    this.#reconciler.add(KEY)
    this.#reconciler.start()
  }

  /** Somebody changed the Secret or the configuration. */
  touched(): void {
    this.#reconciler.add(KEY)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#reconciler.stop()
  }

  async #reconcile(): Promise<Outcome> {
    const { client, namespace, secretName, clock, dnsName } = this.#options
    const name = { namespace, name: secretName }
    const secret = await unless(['not-found'], client.get(SECRETS, name))
    const present = textsOfSecret(secret)
    const plan = planCertificates(examine(present, dnsName), clock.wall())
    const texts = plan.kind === 'keep' ? present : await this.#renew(plan, secret, present)
    await this.#trust(texts.authority)
    return { kind: 'retry', because: 'time goes on', afterMs: CHECK_INTERVAL_MS }
  }

  async #renew(
    plan: Exclude<CertificatePlan, { kind: 'keep' }>,
    secret: Secret | undefined,
    present: CertificateTexts,
  ): Promise<CertificateTexts> {
    const { log, clock, handoverMs, onIssued } = this.#options
    const texts = await this.#issue(plan, present)
    if (plan.kind === 'issue-authority' && plan.isHandover) {
      // The API server must trust the new one before any replica serves with it.
      await this.#trust(texts.authority)
      await sleep(clock, handoverMs, this.#stopping.signal)
      if (this.#stopping.signal.aborted) throw new ApiError('aborted', 'the change of authorities was interrupted')
    }
    await this.#write(secret, texts)
    const what = plan.kind === 'issue-server' ? 'server certificate' : 'authority and server certificate'
    log.info('certificateIssued', `issued a new ${what} for the webhook, for ${plan.because}`)
    onIssued(texts)
    return texts
  }

  async #issue(plan: CertificatePlan, present: CertificateTexts): Promise<CertificateTexts> {
    const { clock, dnsName } = this.#options
    const { issueAuthority, issueServer } = await import('./issue.ts')
    const now = clock.wall()
    if (plan.kind === 'issue-server') return { ...present, ...(await issueServer(present, dnsName, now)) }
    const issued = await issueAuthority(now)
    const server = await issueServer(issued, dnsName, now)
    const isHandover = plan.kind === 'issue-authority' && plan.isHandover
    const authority = isHandover ? issued.authority + firstOf(present.authority) : issued.authority
    return { ...issued, ...server, authority }
  }

  /** With the version that was read: what another wrote meanwhile is looked at first. */
  async #write(secret: Secret | undefined, texts: CertificateTexts): Promise<void> {
    const { client, guard, namespace, secretName } = this.#options
    const data = secretDataOf(texts)
    const name = { namespace, name: secretName }
    if (secret === undefined) {
      const labels = { 'app.kubernetes.io/managed-by': 'invar' }
      const created: Secret = { metadata: { ...name, labels }, type: 'Opaque', data }
      await guard((fence) => client.create(SECRETS, created, { ...fence, fieldManager: FIELD_MANAGER }))
      return
    }
    const { resourceVersion } = secret.metadata
    const patch = { metadata: { resourceVersion }, data }
    await guard((fence) => client.patch(SECRETS, name, patch, { ...fence, fieldManager: FIELD_MANAGER }))
  }

  /** Server-side apply, so that nothing but `caBundle` is ours and manifests may be applied again at any time. */
  async #trust(authority: string): Promise<void> {
    const { client, guard, configurationName, log } = this.#options
    const name = { name: configurationName }
    const found = await unless(['not-found'], client.get(VALIDATING_WEBHOOK_CONFIGURATIONS, name))
    const caBundle = Buffer.from(authority).toString('base64')
    const webhooks = found?.webhooks ?? []
    if (found !== undefined && webhooks.some(({ clientConfig }) => clientConfig?.caBundle !== caBundle)) {
      const { resourceVersion } = found.metadata
      const patch = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: configurationName, resourceVersion },
        webhooks: webhooks.map((webhook) => ({ name: webhook.name, clientConfig: { caBundle } })),
      }
      const how = { type: 'apply', force: true, fieldManager: FIELD_MANAGER } as const
      await guard((fence) => client.patch(VALIDATING_WEBHOOK_CONFIGURATIONS, name, patch, { ...fence, ...how }))
      log.info('webhookTrusted', `${configurationName} names the authority of the webhook's certificate now`)
    }
    // Where there is no such configuration nobody calls, and there is nothing to wait for.
    this.#trusted = authority
  }

  #tell(outcome: Outcome): void {
    if (outcome.kind !== 'retry' || outcome.afterMs === CHECK_INTERVAL_MS || this.#stopping.signal.aborted) return
    this.#options.log.warn('certificateUpkeepFailed', `the webhook's certificate is not in order: ${outcome.because}`)
  }
}

/** The newest of several certificates. */
function firstOf(pem: string): string {
  const end = '-----END CERTIFICATE-----\n'
  const at = pem.indexOf(end)
  return at < 0 ? pem : pem.slice(0, at + end.length)
}
