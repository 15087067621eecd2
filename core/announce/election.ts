import { sha256 } from '@noble/hashes/sha2.js'

const encoder = new TextEncoder()

/**
 * The order in which nodes are to own an address, the same on every speaker and the same as MetalLB's: ascending by
 * sha256(node + "#" + ip), compared bytewise. Remembered for each address, as it depends on the names only.
 */
export class Election {
  readonly nodeNames: readonly string[]
  readonly #orders = new Map<string, readonly string[]>()

  constructor(nodeNames: readonly string[]) {
    this.nodeNames = nodeNames
  }

  /** All nodes, best first. `ip` in canonical text. */
  orderFor(ip: string): readonly string[] {
    const known = this.#orders.get(ip)
    if (known !== undefined) return known
    const ranked = this.nodeNames.map((name) => ({ name, digest: sha256(encoder.encode(`${name}#${ip}`)) }))
    const order = ranked.sort((a, b) => compareBytes(a.digest, b.digest)).map(({ name }) => name)
    this.#orders.set(ip, order)
    return order
  }

  /** Forgets the addresses that `isWanted` refuses: for when Services have gone. */
  prune(isWanted: (ip: string) => boolean): void {
    for (const ip of this.#orders.keys()) if (!isWanted(ip)) this.#orders.delete(ip)
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < a.length; index++) {
    const difference = a[index]! - b[index]!
    if (difference !== 0) return difference
  }
  return 0
}
