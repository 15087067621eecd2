/** When a router takes routes into its FIB, and gives them up: what its kernel says of each, as it happens. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { toolPath } from '../testkit/cluster/tools.ts'
import type { Namespace } from '../testkit/netns.ts'

/** The kernel groups nothing, but a burst comes faster than it is read. */
const BUFFER_BYTES = 64 * 1024 * 1024

export class Arrivals implements Disposable {
  readonly #monitor: ChildProcess
  readonly #awaited = new Map<string, (atMs: number) => void>()
  readonly #present = new Set<string>()

  private constructor(monitor: ChildProcess) {
    this.#monitor = monitor
    createInterface({ input: monitor.stdout! }).on('line', (line) => this.#hear(line))
  }

  static async watch(router: Namespace): Promise<Arrivals> {
    const args = ['-rcvbuf', String(BUFFER_BYTES), 'monitor', 'route']
    const monitor = router.spawn(toolPath('ip')!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(monitor, 'spawn')
    return new Arrivals(monitor)
  }

  /** Host routes there now. */
  get count(): number {
    return this.#present.size
  }

  /** Resolves with the moment (`performance.now`) of the next change to the host route of the address. */
  next(address: string): Promise<number> {
    return new Promise((resolve) => this.#awaited.set(address, resolve))
  }

  #hear(line: string): void {
    const [, deleted, address] = /^(Deleted )?(\d+\.\d+\.\d+\.\d+) /.exec(line) ?? []
    if (address === undefined) return
    if (deleted === undefined) this.#present.add(address)
    else this.#present.delete(address)
    this.#awaited.get(address)?.(performance.now())
    this.#awaited.delete(address)
  }

  [Symbol.dispose](): void {
    this.#monitor.kill()
  }
}
