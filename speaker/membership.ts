/** Who the other speakers may be, and the key that they are known by: kept current for the wire thread. */
import { isDeepStrictEqual } from 'node:util'
import type { KeptNode, ReadonlyStore, Secret } from '../operator/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { DesiredMembership, ToWire } from './wire/messages.ts'

/**
 * Entries of the Secret. The first, named as MetalLB names it, signs; all are accepted. A rotation (`invarctl
 * rotate-key`) puts the new key under `next`, then swaps the two, then takes `previous` away. Whoever is a step behind
 * still understands the others, so nobody is taken for dead.
 */
const SIGNING_ENTRY = 'secretkey'
const ACCEPTED_ENTRIES = ['secretkey.next', 'secretkey.previous']
/** A key that was replaced at once, without those steps, is accepted for so long: until every speaker has seen the new one. */
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
  /** Of the Secret; the first signs. */
  #keys: readonly string[] = []
  #replaced: { readonly text: string } | undefined
  #posted: DesiredMembership | undefined
  #isBegun = false
  /** The wire thread was told that nobody watches. */
  #isUnwatched = false

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
    const signing = keyIn(secret, SIGNING_ENTRY)
    if (signing === undefined) return
    const accepted = ACCEPTED_ENTRIES.flatMap((entry) => keyIn(secret, entry) ?? [])
    const keys = [...new Set([signing, ...accepted])]
    const [old] = this.#keys
    this.#keys = keys
    if (old !== undefined && old !== signing && !accepted.includes(old)) this.#acceptReplaced(old)
    this.nodesChanged()
  }

  /**
   * To be called once, when all nodes and the Secret were read: half of the members would be a reason to take over from
   * the others.
   */
  begin(): void {
    this.#isBegun = true
    this.nodesChanged()
  }

  /** Posts what holds now, where it differs from what was posted last. */
  nodesChanged(): void {
    if (!this.#isBegun) return
    if (!this.#isEnabled) {
      if (!this.#isUnwatched) this.#post({ kind: 'membership', membership: undefined })
      this.#isUnwatched = true
      return
    }
    const members = [...this.#nodes.values()]
      .map(({ name, addresses }) => ({ node: name, addresses }))
      .sort((a, b) => (a.node < b.node ? -1 : 1))
    const texts = this.#replaced === undefined ? this.#keys : [...new Set([...this.#keys, this.#replaced.text])]
    const keys = texts.map((text) => new Uint8Array(Buffer.from(text, 'latin1')))
    const membership = { port: this.#port, keys, members }
    if (isDeepStrictEqual(membership, this.#posted)) return
    this.#posted = membership
    this.#post({ kind: 'membership', membership })
  }

  #acceptReplaced(text: string): void {
    const replaced = { text }
    this.#replaced = replaced
    this.#clock.setTimeout(() => {
      if (this.#replaced !== replaced) return
      this.#replaced = undefined
      this.nodesChanged()
    }, OLD_KEY_ACCEPTED_MS)
  }
}

function keyIn(secret: Secret | undefined, entry: string): string | undefined {
  const encoded = secret?.data?.[entry]
  return encoded === undefined || encoded === '' ? undefined : Buffer.from(encoded, 'base64').toString('latin1')
}
