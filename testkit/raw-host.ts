/** A machine on the LAN that sends and hears raw ARP and NDP frames; the test makes and reads them. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Namespace } from './netns.ts'

const MAIN = fileURLToPath(new URL('./raw-host-main.ts', import.meta.url))

export interface HeardFrame {
  readonly protocol: 'arp' | 'ndp'
  readonly bytes: Uint8Array
  /** Milliseconds of the machine's monotonic clock. */
  readonly atMs: number
}

export class RawHost {
  readonly heard: HeardFrame[] = []
  readonly #process: ChildProcess
  #awaited: { readonly matches: (frame: HeardFrame) => boolean; readonly resolve: (frame: HeardFrame) => void }[] = []

  constructor(process: ChildProcess) {
    this.#process = process
    process.on('message', (frame: HeardFrame | 'open') => {
      if (frame === 'open') return
      this.heard.push(frame)
      const fulfilled = this.#awaited.filter(({ matches }) => matches(frame))
      this.#awaited = this.#awaited.filter((one) => !fulfilled.includes(one))
      for (const { resolve } of fulfilled) resolve(frame)
    })
  }

  send(protocol: HeardFrame['protocol'], bytes: Uint8Array): void {
    this.#process.send({ protocol, bytes })
  }

  /** The first frame from now on that matches. */
  next(matches: (frame: HeardFrame) => boolean): Promise<HeardFrame> {
    return new Promise((resolve) => this.#awaited.push({ matches, resolve }))
  }
}

/** Resolves when its sockets are open. */
export async function startRawHost(namespace: Namespace, interfaceName = 'eth0'): Promise<RawHost> {
  const child = namespace.spawn(process.execPath, [MAIN, interfaceName], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  } as object)
  const host = new RawHost(child)
  await once(child, 'message')
  return host
}
