/** Where a replica gets the certificate that it serves with, and learns that it was renewed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Client, type Ending, Informer, SECRETS, type Secret } from '../../operator/index.ts'
import type { Clock, TimerHandle } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { SECRET_KEYS, type ServerTexts, textsOfSecret } from './certificate-texts.ts'

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

/** A mounted Secret changes by the swap of a link that file watches miss; it arrives a minute late anyway. */
const REREAD_INTERVAL_MS = 10_000

/** Files that somebody else renews (`--cert-dir` with `--disable-cert-rotation`), read again and again. */
export class DirectorySource implements CertificateSource {
  readonly #path: string
  readonly #clock: Clock
  #timer: TimerHandle | undefined
  #last = ''
  #isStopped = false
  #reading: Promise<void> = Promise.resolve()
  fault: string | undefined = 'the files are being read'

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  start(onTexts: (texts: ServerTexts) => void): void {
    this.#reading = this.#read(onTexts)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    await this.#reading
  }

  async #read(onTexts: (texts: ServerTexts) => void): Promise<void> {
    const files = [SECRET_KEYS.certificate, SECRET_KEYS.key].map((name) => readFile(join(this.#path, name), 'utf8'))
    try {
      const [certificate = '', key = ''] = await Promise.all(files)
      this.fault = undefined
      const now = JSON.stringify([certificate, key])
      if (now !== this.#last && !this.#isStopped) onTexts({ certificate, key })
      this.#last = now
    } catch (error) {
      this.fault = (error as Error).message
    }
    if (this.#isStopped) return
    this.#timer = this.#clock.setTimeout(() => this.start(onTexts), REREAD_INTERVAL_MS)
  }
}
