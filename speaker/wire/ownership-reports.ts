/** Who owns what, told to the main thread a batch at a time: ten thousand messages would keep both threads busy. */
import type { Clock } from '../../runtime/clock.ts'
import type { FromWire, OwnershipChange } from './messages.ts'
import { MachineTimer } from './timer.ts'

/** What changes twice within this time is told once. */
const GATHERED_MS = 10

export class OwnershipReports {
  readonly #clock: Clock
  readonly #post: (message: FromWire) => void
  readonly #timer: MachineTimer
  /** By Service and address: the newest is what counts. */
  #changes = new Map<string, OwnershipChange>()

  constructor(clock: Clock, post: (message: FromWire) => void) {
    this.#clock = clock
    this.#post = post
    this.#timer = new MachineTimer(clock, () => this.flush())
  }

  add({ key, ip, owned, interfaces, reason }: OwnershipChange): void {
    if (this.#changes.size === 0) this.#timer.arm(this.#clock.now() + GATHERED_MS)
    this.#changes.set(`${key} ${ip}`, { key, ip, owned, interfaces, reason })
  }

  /** Tells at once what has been gathered. */
  flush(): void {
    this.#timer.disarm()
    if (this.#changes.size === 0) return
    const changes = [...this.#changes.values()]
    this.#changes = new Map()
    this.#post({ kind: 'ownership', changes })
  }
}
