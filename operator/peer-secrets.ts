/** The Secrets that BGPPeers name, and no others: a speaker has no business with the rest of the namespace. */
import type { SecretFacts } from '../core/config/index.ts'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { Client } from './client.ts'
import { Informer } from './informer.ts'
import { SECRETS, type Secret } from './resources.ts'

export interface PeerSecretsOptions {
  readonly client: Pick<Client, 'list' | 'watch'>
  /** Where the Secrets are read. */
  readonly namespace: string
  readonly clock: Clock
  readonly random: Random
  /** One of them changed, or has become known. */
  readonly onChange: () => void
}

export interface KnownSecrets {
  readonly facts: ReadonlyMap<string, SecretFacts>
  readonly awaited: ReadonlySet<string>
}

/** A Secret that the API server does not show by then counts as missing. */
const PATIENCE_MS = 3_000
const ENTRY = 'password'

interface Followed {
  readonly informer: Informer<Secret>
  readonly patience: TimerHandle
  isOverdue: boolean
}

export class PeerSecrets {
  readonly #options: PeerSecretsOptions
  readonly #followed = new Map<string, Followed>()

  constructor(options: PeerSecretsOptions) {
    this.#options = options
  }

  /** Follows the Secrets of these names from now on. `awaited`: those of which nothing is known yet. */
  of(names: ReadonlySet<string>): KnownSecrets {
    for (const [name, followed] of this.#followed) if (!names.has(name)) this.#forget(name, followed)
    for (const name of names) if (!this.#followed.has(name)) this.#follow(name)
    const facts = new Map<string, SecretFacts>()
    const awaited = new Set<string>()
    for (const [name, { informer, isOverdue }] of this.#followed) {
      if (!informer.isSynced && !isOverdue) awaited.add(name)
      for (const secret of informer.store.values()) facts.set(name, factsOf(secret))
    }
    return { facts, awaited }
  }

  async stop(): Promise<void> {
    const informers = [...this.#followed.values()].map(({ informer }) => informer)
    for (const [name, followed] of this.#followed) this.#forget(name, followed)
    await Promise.all(informers.map((informer) => informer.stop()))
  }

  #follow(name: string): void {
    const { client, namespace, clock, random, onChange } = this.#options
    const selection = { namespace, fieldSelector: `metadata.name=${name}` }
    const informer = new Informer<Secret>({ client, resource: SECRETS, selection, clock, random })
    const patience = clock.setTimeout(() => {
      followed.isOverdue = true
      if (!informer.isSynced) onChange()
    }, PATIENCE_MS)
    const followed: Followed = { informer, patience, isOverdue: false }
    this.#followed.set(name, followed)
    informer.onChange(() => onChange())
    informer.start()
    void informer.whenSynced().then(() => onChange())
  }

  #forget(name: string, { informer, patience }: Followed): void {
    this.#followed.delete(name)
    this.#options.clock.clearTimeout(patience)
    void informer.stop()
  }
}

function factsOf({ type, data }: Secret): SecretFacts {
  const encoded = data?.[ENTRY]
  return { type: type ?? '', password: encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString() }
}
