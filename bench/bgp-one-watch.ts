/** A bare watch on one Service: when the API server tells of a change, whoever has to act on it. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { ControlPlane } from '../testkit/controlplane.ts'

export class BareWatch implements Disposable {
  readonly #response: IncomingMessage
  readonly #awaited = new Map<string, (atMs: number) => void>()
  #text = ''

  private constructor(response: IncomingMessage) {
    this.#response = response
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => this.#hear(chunk))
  }

  static open(plane: ControlPlane, name: string): Promise<BareWatch> {
    const { ca, certificate, key } = plane.files
    const [caPem, certificatePem, keyPem] = [ca, certificate, key].map((path) => readFileSync(path))
    const url = `${plane.url}/api/v1/namespaces/default/services?watch=1&fieldSelector=metadata.name%3D${name}`
    return new Promise((resolve, reject) => {
      const call = request(url, { ca: caPem, cert: certificatePem, key: keyPem }, (response) =>
        resolve(new BareWatch(response)),
      )
      call.on('error', reject)
      call.end()
    })
  }

  /** Resolves with the moment (`performance.now`) at which the text is in a change. */
  next(text: string): Promise<number> {
    return new Promise((resolve) => this.#awaited.set(text, resolve))
  }

  #hear(chunk: string): void {
    const atMs = performance.now()
    const lines = (this.#text + chunk).split('\n')
    this.#text = lines.pop()!
    for (const line of lines) {
      for (const [text, resolve] of this.#awaited) {
        if (!line.includes(text)) continue
        this.#awaited.delete(text)
        resolve(atMs)
      }
    }
  }

  [Symbol.dispose](): void {
    this.#response.destroy()
  }
}
