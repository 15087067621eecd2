import { DecodeError } from '../../net/bytes/index.ts'

/** Something that takes bytes of others. */
export interface Target {
  readonly name: string
  /** Says in a word what came of it: `decoded`, or why not. Throws only where there is a bug. */
  readonly run: (bytes: Uint8Array) => string
  /** Well-formed inputs to begin with. */
  readonly seeds: readonly Uint8Array[]
}

/** `decoded`, or the kind of the DecodeError and what it says, numbers left out; anything else that is thrown is a bug. */
export function outcomeOf(decode: (bytes: Uint8Array) => unknown): (bytes: Uint8Array) => string {
  return (bytes) => {
    try {
      decode(bytes)
      return 'decoded'
    } catch (error) {
      if (error instanceof DecodeError) return `${error.kind}: ${error.message.replaceAll(/flags \w+|[0-9]+/g, '#')}`
      throw error
    }
  }
}
