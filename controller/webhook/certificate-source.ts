/** Where a replica gets the certificate that it serves with, and learns that it was renewed. */
import { type Client, type Ending, Informer, SECRETS, type Secret } from '../../operator/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { type ServerTexts, textsOfSecret } from './certificate-texts.ts'

export interface CertificateSource {
  /** Calls with what there is, and again after each change; whether it can be used is for the listener to say. */
  start(onTexts: (texts: ServerTexts) => void): void
  stop(): Promise<void>
  /** Why there is nothing yet, or what there is may be old; undefined = all is known. */
  readonly fault: string | undefined
}

export interface SecretSourceOptions {
  readonly client: Client
  readonly namespace: string
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly observe: (ending: Ending) => void
  readonly onChange: () => void
}

/** The Secret that the leader writes, watched by name: a replica serves with what is renewed at once. */
export class SecretSource implements CertificateSource {
  readonly #informer: Informer<Secret>
  readonly #onChange: () => void

  constructor({ client, namespace, name, clock, random, observe, onChange }: SecretSourceOptions) {
    const selection = { namespace, fieldSelector: `metadata.name=${name}` }
    this.#informer = new Informer({ client, resource: SECRETS, selection, clock, random, observe })
    this.#onChange = onChange
  }

  start(onTexts: (texts: ServerTexts) => void): void {
    this.#informer.onChange((change) => {
      if (change.kind !== 'delete') onTexts(textsOfSecret(change.object))
      this.#onChange()
    })
    this.#informer.start()
  }

  stop(): Promise<void> {
    return this.#informer.stop()
  }

  get fault(): string | undefined {
    return this.#informer.isSynced ? undefined : (this.#informer.lastError?.message ?? 'the Secret is being read')
  }
}
