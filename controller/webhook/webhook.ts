/**
 * The validating admission webhook: answers the API server while the user waits. It is never in the way of anything:
 * what it lacks is said by `ready` and in the log, and everything that it judges is checked again at run time.
 */
import type { SecureVersion } from 'node:tls'
import { type ConfigKind, judge, type Resources } from '../../core/config/index.ts'
import { type Client, type Ending, type Fence, Informer, type InformerOptions } from '../../operator/index.ts'
import type { Clock, TimerHandle } from '../../runtime/clock.ts'
import type { Check } from '../../runtime/http.ts'
import { type Log, sentenceOf } from '../../runtime/log.ts'
import type { Metrics } from '../../runtime/metrics.ts'
import type { Random } from '../../runtime/random.ts'
import { CertificateDirectory } from '../../runtime/server-certificate.ts'
import { type CertificateSource, SecretSource } from './certificate-source.ts'
import { examineServer, type ServerTexts } from './certificate-texts.ts'
import { type CountReview, exposeWebhook } from './metrics.ts'
import { answerOf, KIND_OF_PATH, NOT_JUDGED, reviewOf } from './review.ts'
import { type Answer, WebhookServer } from './server.ts'
import { Upkeep, VALIDATING_WEBHOOK_CONFIGURATIONS, type ValidatingWebhookConfiguration } from './upkeep.ts'

export interface WebhookSettings {
  /** Default: all addresses. */
  readonly host?: string
  readonly port: number
  readonly minimumTls: SecureVersion
  /** The name by which the API server calls: `SERVICE.NAMESPACE.svc`. */
  readonly dnsName: string
  readonly certificates: /** Issued, renewed and made trusted by the leader. */
    | { readonly kind: 'own'; readonly secretName: string; readonly handoverMs?: number }
    /** Somebody else does all that; `tls.crt` and `tls.key` lie in this folder. */
    | { readonly kind: 'directory'; readonly path: string }
}

export interface WebhookOptions extends WebhookSettings {
  readonly namespace: string
  readonly client: Client
  /** Runs a write, only while this replica leads. */
  readonly guard: <T>(write: (fence: Fence) => Promise<T>) => Promise<T>
  /** What is live; undefined until everything was read once. */
  readonly live: () => Resources | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly onFault: (error: unknown) => void
}

const CONFIGURATION_NAME = 'metallb-webhook-configuration'
/** API servers follow their webhook configurations by watch: a second is usual, more is patience. */
const HANDOVER_MS = 30_000
const LISTEN_RETRY_MS = 10_000

export class Webhook {
  readonly #options: WebhookOptions
  readonly #log: Log
  readonly #server: WebhookServer
  readonly #source: CertificateSource
  /** undefined where somebody else keeps the certificates. */
  readonly #upkeep: Upkeep | undefined
  readonly #configuration: Informer<ValidatingWebhookConfiguration> | undefined
  readonly #count: CountReview
  #isLeading = false
  #isListening = false
  #listenFault = 'it does not listen yet'
  #retry: TimerHandle | undefined
  #served: { readonly certificate: string; readonly notAfter: number } | undefined
  #certificateFault: string | undefined

  constructor(options: WebhookOptions) {
    this.#options = options
    this.#log = options.log.of('webhook')
    this.#count = exposeWebhook(options.metrics, () => this.#served?.notAfter ?? 0)
    this.#server = this.#newServer()
    if (options.certificates.kind === 'own') {
      const { secretName, handoverMs = HANDOVER_MS } = options.certificates
      this.#source = this.#secretSource(secretName)
      this.#upkeep = this.#newUpkeep(secretName, handoverMs)
      this.#configuration = this.#followConfiguration()
    } else {
      this.#source = new CertificateDirectory(options.certificates.path, options.clock)
    }
  }

  /** Listens, and serves from the moment there is a certificate. What goes wrong is tried again and told by `ready`. */
  async start(): Promise<void> {
    this.#source.start((texts) => this.#use(texts))
    this.#configuration?.start()
    await this.#listen()
  }

  /** This replica leads: it keeps the certificates in order. */
  lead(): void {
    this.#isLeading = true
    this.#upkeep?.start()
  }

  /** It leads no more. */
  async follow(): Promise<void> {
    this.#isLeading = false
    await this.#upkeep?.stop()
  }

  async stop(): Promise<void> {
    if (this.#retry !== undefined) this.#options.clock.clearTimeout(this.#retry)
    await this.follow()
    await this.#server.close()
    await this.#source.stop()
    await this.#configuration?.stop()
  }

  /** TCP port, once it listens. */
  get port(): number {
    return this.#server.port
  }

  /**
   * Ready: a certificate is loaded and served, and the leader has seen that the API server trusts it. A replica that
   * does not lead need not wait for a certificate that only the leader can issue: nobody trusts, hence calls, the
   * webhook before, and an upgrade in which the leader is of a version that issues none would never end.
   */
  readonly ready: Check = () => {
    if (!this.#isListening) return { ok: false, because: this.#listenFault }
    if (this.#served === undefined) {
      const because = this.#certificateFault ?? this.#source.fault
      if (because === undefined && !this.#isLeading && this.#upkeep !== undefined) return { ok: true }
      return { ok: false, because: `there is no certificate to serve with: ${because ?? 'it is not issued yet'}` }
    }
    if (this.#isLeading && this.#upkeep !== undefined && this.#upkeep.trusted === undefined) {
      return { ok: false, because: `${CONFIGURATION_NAME} does not name the authority of the certificate yet` }
    }
    return { ok: true }
  }

  #newServer(): WebhookServer {
    const { port, host, minimumTls, clock } = this.#options
    return new WebhookServer({
      ...{ port, host, minimumTls },
      hasPath: (path) => Object.hasOwn(KIND_OF_PATH, path),
      answer: (path, body) => this.#answer(KIND_OF_PATH[path]!, body),
      setTimeout: (callback, delayMs) => void clock.setTimeout(callback, delayMs),
    })
  }

  #secretSource(name: string): SecretSource {
    const { client, namespace, clock, random } = this.#options
    const observe = (ending: Ending): void => this.#tell('Secret', ending)
    const onChange = (): void => this.#upkeep?.touched()
    return new SecretSource({ ...{ client, namespace, name, clock, random, observe, onChange } })
  }

  #newUpkeep(secretName: string, handoverMs: number): Upkeep {
    const { client, namespace, dnsName, guard, clock, random, onFault } = this.#options
    return new Upkeep({
      ...{ client, namespace, secretName, dnsName, handoverMs, guard, clock, random, onFault },
      log: this.#log,
      configurationName: CONFIGURATION_NAME,
      // Before the API server is told to trust it, and without waiting for the watch.
      onIssued: (texts) => this.#use(texts),
    })
  }

  /** Of its own: the program starts, and gives out addresses, whether this can be read or not. */
  #followConfiguration(): Informer<ValidatingWebhookConfiguration> {
    const { client, clock, random } = this.#options
    const options: InformerOptions<ValidatingWebhookConfiguration> = {
      ...{ client, clock, random, resource: VALIDATING_WEBHOOK_CONFIGURATIONS },
      selection: { fieldSelector: `metadata.name=${CONFIGURATION_NAME}` },
      observe: (ending) => this.#tell(CONFIGURATION_NAME, ending),
    }
    const informer = new Informer(options)
    informer.onChange(() => this.#upkeep?.touched())
    return informer
  }

  async #listen(): Promise<void> {
    try {
      await this.#server.listen()
      this.#isListening = true
    } catch (error) {
      this.#listenFault = sentenceOf(error)
      this.#log.error('webhookFailed', `${this.#listenFault}; tried again in ${LISTEN_RETRY_MS / 1_000} s`)
      this.#retry = this.#options.clock.setTimeout(() => void this.#listen(), LISTEN_RETRY_MS)
    }
  }

  #use(texts: ServerTexts): void {
    const held = examineServer(texts)
    if (held.kind === 'held' && texts.certificate === this.#served?.certificate) return
    this.#certificateFault = held.kind === 'unusable' ? `the certificate ${held.because}` : undefined
    if (held.kind === 'held') {
      this.#server.use(texts)
      this.#served = { certificate: texts.certificate, notAfter: held.notAfter }
      const until = new Date(held.notAfter).toISOString()
      this.#log.info('certificateServed', `the webhook serves with a certificate that is valid until ${until}`)
    } else if (held.kind === 'unusable') {
      const rest = this.#served === undefined ? '' : '; the one before is served on'
      this.#log.warn('certificateRefused', `${this.#certificateFault}${rest}`)
    }
  }

  #answer(kind: ConfigKind, body: unknown): Answer {
    const review = reviewOf(kind, body)
    if (review.kind === 'malformed') {
      this.#count(kind, 'malformed')
      return { status: 400, body: review.because }
    }
    const live = this.#options.live()
    try {
      const judgement = live === undefined ? NOT_JUDGED : judge(review.submission, live)
      this.#count(kind, live === undefined ? 'unjudged' : judgement.allowed ? 'allowed' : 'refused')
      return { status: 200, body: answerOf(review.uid, judgement) }
    } catch (error) {
      // Our fault, yet no reason to end: whoever can reach the port could then end the controller.
      this.#count(kind, 'failed')
      this.#log.error('webhookFault', `a ${kind} could not be judged: ${sentenceOf(error)}`, {
        stack: (error as Error).stack,
      })
      return { status: 500, body: 'the object could not be judged; the log of the controller says more' }
    }
  }

  #tell(what: string, ending: Ending): void {
    if (ending.kind !== 'failed' || ending.during !== 'list') return
    this.#log.warn('watchInterrupted', `following ${what} was interrupted: ${ending.error.message}`)
  }
}
