/** Who the other speakers may be, and the key that they are known by: kept current for the wire thread. */
import { isDeepStrictEqual } from 'node:util'
import type { KeptNode, ReadonlyStore, Secret } from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { DesiredMembership, ToWire } from './wire/messages.ts'

/** Entry of the Secret that holds the key, as MetalLB names it. */
const SECRET_ENTRY = 'secretkey'
/** For so long after a rotation the key before is still accepted: until every speaker has seen the new one. */
const OLD_KEY_ACCEPTED_MS = 600_000

export interface MembershipSourceOptions {
  /** false: every node counts as alive. */
  readonly isEnabled: boolean
  /** UDP port of heartbeats. */
  readonly port: number
  readonly nodes: ReadonlyStore<KeptNode>
  readonly clock: Clock
  readonly post: (message: ToWire) => void
}

export class MembershipSource {
  readonly #isEnabled: boolean
  readonly #port: number
  readonly #nodes: ReadonlyStore<KeptNode>
  readonly #post: (message: ToWire) => void
  readonly #clock: Clock
  /** Newest first. */
  #keys: readonly { readonly text: string; readonly untilMs: number }[] = []
  #posted: DesiredMembership | undefined

  constructor(options: MembershipSourceOptions) {
    this.#isEnabled = options.isEnabled
    this.#port = options.port
    this.#nodes = options.nodes
    this.#clock = options.clock
    this.#post = options.post
  }

  /** Whether speakers can know each other: without a key nobody is heard, and nothing is claimed. */
  get hasKey(): boolean {
    return !this.#isEnabled || this.#keys.length > 0
  }

  /** The Secret as it is now; undefined = it is not there: what was known stays in force. */
  secretChanged(secret: Secret | undefined): void {
    const encoded = secret?.data?.[SECRET_ENTRY]
    if (encoded === undefined || encoded === '') return
    const text = Buffer.from(encoded, 'base64').toString('latin1')
    if (this.#keys[0]?.text === text) return
    const now = this.#clock.now()
    const untilMs = now + OLD_KEY_ACCEPTED_MS
    const old = this.#keys.slice(0, 1).map((key) => ({ ...key, untilMs }))
    this.#keys = [{ text, untilMs: Number.POSITIVE_INFINITY }, ...old]
    if (old.length > 0) this.#clock.setTimeout(() => this.#forgetOld(), OLD_KEY_ACCEPTED_MS)
    this.nodesChanged()
  }

  /** Posts what holds now, where it differs from what was posted last. */
  nodesChanged(): void {
    if (!this.#isEnabled) {
      this.#post({ kind: 'membership', membership: undefined })
      return
    }
    const members = [...this.#nodes.values()]
      .map(({ name, addresses }) => ({ node: name, addresses }))
      .sort((a, b) => (a.node < b.node ? -1 : 1))
    const keys = this.#keys.map(({ text }) => new Uint8Array(Buffer.from(text, 'latin1')))
    const membership = { port: this.#port, keys, members }
    if (isDeepStrictEqual(membership, this.#posted)) return
    this.#posted = membership
    this.#post({ kind: 'membership', membership })
  }

  #forgetOld(): void {
    this.#keys = this.#keys.filter(({ untilMs }) => untilMs > this.#clock.now())
    this.nodesChanged()
  }
}
