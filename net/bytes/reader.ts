import { DecodeError } from './decode-error.ts'

/**
 * Checked cursor over received bytes, network byte order. Reading past the end throws `DecodeError('truncated')`;
 * nothing is ever clamped. `base` is added to the offsets in errors, for a part cut out of a larger message.
 */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #base: number
  #at = 0

  constructor(bytes: Uint8Array, base = 0) {
    this.#bytes = bytes
    this.#base = base
  }

  /** Position from the start of the outermost message. */
  get offset(): number {
    return this.#base + this.#at
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    return this.#bytes[this.#advance(1)]!
  }

  u16(): number {
    const at = this.#advance(2)
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!
  }

  u32(): number {
    const at = this.#advance(4)
    const bytes = this.#bytes
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }

  u64(): bigint {
    const high = this.u32()
    return (BigInt(high) << 32n) | BigInt(this.u32())
  }

  /** The next `length` bytes as a view, not a copy: keep it only if you own the underlying buffer. */
  take(length: number): Uint8Array {
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** All bytes not read yet, as a view. */
  rest(): Uint8Array {
    return this.take(this.remaining)
  }

  /** A reader of its own over the next `length` bytes; its errors keep counting from the outermost message. */
  sub(length: number): Reader {
    const base = this.offset
    return new Reader(this.take(length), base)
  }

  /** Throws `malformed` when bytes are left: a length field and the content disagree. */
  expectEnd(what: string): void {
    if (this.remaining !== 0) {
      throw new DecodeError('malformed', this.offset, `${what} has ${this.remaining} bytes too many`)
    }
  }

  #advance(length: number): number {
    const at = this.#at
    if (!(length >= 0 && length <= this.#bytes.length - at)) {
      throw new DecodeError('truncated', this.offset, `need ${length} bytes, have ${this.remaining}`)
    }
    this.#at = at + length
    return at
  }
}
