/** When BFD packets crossed the node's interface, by the kernel's clock: who was late, we or the other end. */
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { buildProgram } from '../native/build.ts'
import type { Namespace } from '../testkit/netns.ts'

/** Of each peer and way; more than a second of them. */
const REMEMBERED = 100

export type Way = 'from' | 'to'

export class BfdPackets implements Disposable {
  readonly #listener: ChildProcess
  /** Milliseconds since 1970, by way and peer. */
  readonly #times = new Map<string, number[]>()

  constructor(node: Namespace, device: string) {
    this.#listener = node.spawn(buildProgram('bench/bfd-listener.c'), [device], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface({ input: this.#listener.stdout! }).on('line', (line) => this.#hear(line))
  }

  /** The last one before that moment. */
  lastBefore(way: Way, peer: string, beforeMs: number): number {
    return this.#times.get(`${way} ${peer}`)?.findLast((at) => at < beforeMs) ?? Number.NaN
  }

  /** The longest time without one, in what is remembered before that moment. */
  longestSilence(way: Way, peer: string, untilMs: number): number {
    const times = (this.#times.get(`${way} ${peer}`) ?? []).filter((at) => at < untilMs)
    return Math.max(0, ...times.map((at, index) => (times[index + 1] ?? untilMs) - at))
  }

  #hear(line: string): void {
    const [nanoseconds, way, peer] = line.split(' ')
    const key = `${way} ${peer}`
    const times = this.#times.get(key) ?? []
    times.push(Number(nanoseconds) / 1e6)
    if (times.length > REMEMBERED) times.shift()
    this.#times.set(key, times)
  }

  [Symbol.dispose](): void {
    this.#listener.kill()
  }
}
