/** The certificate that a server of ours shows: its own, or one that somebody else renews in a folder. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Clock, TimerHandle } from './clock.ts'

/** PEM. */
export interface ServerCertificate {
  readonly certificate: string
  readonly key: string
}

export interface SelfSignedRequest {
  readonly dnsName: string
  /** Milliseconds since 1970. */
  readonly wallMs: number
}

/**
 * A certificate that the program issues to itself: it encrypts, and vouches for nothing.
 * @param thread where `self-signed-thread.ts` lies: it differs once the program is bundled
 */
export async function selfSigned(thread: URL, request: SelfSignedRequest): Promise<ServerCertificate> {
  const worker = new Worker(thread, { workerData: request })
  const [certificate] = (await once(worker, 'message')) as [ServerCertificate]
  await worker.terminate()
  return certificate
}

/** A mounted Secret changes by the swap of a link that file watches miss; it arrives a minute late anyway. */
const REREAD_INTERVAL_MS = 10_000

/** A folder with `tls.crt` and `tls.key`, as a mounted Secret of type kubernetes.io/tls has them. */
export class CertificateDirectory {
  readonly #path: string
  readonly #clock: Clock
  #timer: TimerHandle | undefined
  #last = ''
  #isStopped = false
  #reading: Promise<void> = Promise.resolve()
  /** Why there is nothing yet, or what there is may be old; undefined = what was last given is what is there. */
  fault: string | undefined = 'the files are being read'

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /**
   * Calls with what there is, and again after each change; whether it can be used is for the listener to say.
   * @param onFault called where the files cannot be read, once for each cause
   */
  start(onFiles: (files: ServerCertificate) => void, onFault?: (because: string) => void): void {
    this.#reading = this.#read(onFiles, onFault)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    await this.#reading
  }

  async #read(onFiles: (files: ServerCertificate) => void, onFault?: (because: string) => void): Promise<void> {
    const files = ['tls.crt', 'tls.key'].map((name) => readFile(join(this.#path, name), 'utf8'))
    try {
      const [certificate = '', key = ''] = await Promise.all(files)
      this.fault = undefined
      const now = JSON.stringify([certificate, key])
      if (now !== this.#last && !this.#isStopped) onFiles({ certificate, key })
      this.#last = now
    } catch (error) {
      const because = (error as Error).message
      if (because !== this.fault) onFault?.(because)
      this.fault = because
    }
    if (this.#isStopped) return
    this.#timer = this.#clock.setTimeout(() => this.start(onFiles, onFault), REREAD_INTERVAL_MS)
  }
}
