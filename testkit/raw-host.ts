/** A machine on the LAN that sends and hears raw ARP and NDP frames; the test makes and reads them. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Inbox } from './inbox.ts'
import type { Namespace } from './netns.ts'

const MAIN = fileURLToPath(new URL('./raw-host-main.ts', import.meta.url))

export interface HeardFrame {
  readonly protocol: 'arp' | 'ndp'
  readonly bytes: Uint8Array
  /** Milliseconds of the machine's monotonic clock. */
  readonly atMs: number
}

export class RawHost {
  readonly #process: ChildProcess
  readonly #inbox = new Inbox<HeardFrame>('the raw host')

  constructor(process: ChildProcess) {
    this.#process = process
    process.on('message', (frame: HeardFrame | 'open') => {
      if (frame !== 'open') this.#inbox.take(frame)
    })
    process.on('exit', () => this.#inbox.end('its process has ended'))
  }

  get heard(): readonly HeardFrame[] {
    return this.#inbox.messages
  }

  send(protocol: HeardFrame['protocol'], bytes: Uint8Array): void {
    this.#process.send({ protocol, bytes })
  }

  /** The first frame from now on that matches; fails with `what` when none came for long. */
  next(matches: (frame: HeardFrame) => boolean, what = 'a frame'): Promise<HeardFrame> {
    return this.#inbox.next(what, matches)
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
