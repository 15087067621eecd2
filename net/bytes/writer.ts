const INITIAL_CAPACITY = 64

/**
 * Builds a message in network byte order. Without `into` the buffer grows as needed; with `into` it writes there and
 * nowhere else, and running over the end is our own fault (RangeError), since the caller chose the size.
 */
export class Writer {
  #bytes: Uint8Array
  readonly #fixed: boolean
  #length = 0

  constructor(into?: Uint8Array) {
    this.#bytes = into ?? new Uint8Array(INITIAL_CAPACITY)
    this.#fixed = into !== undefined
  }

  /** Bytes written so far; also the offset of the next byte. */
  get length(): number {
    return this.#length
  }

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#bytes[at] = value
    return this
  }

  u16(value: number): this {
    const at = this.#reserve(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
    return this
  }

  u32(value: number): this {
    const at = this.#reserve(4)
    this.#bytes[at] = value >>> 24
    this.#bytes[at + 1] = value >>> 16
    this.#bytes[at + 2] = value >>> 8
    this.#bytes[at + 3] = value
    return this
  }

  u64(value: bigint): this {
    this.u32(Number((value >> 32n) & 0xffff_ffffn))
    return this.u32(Number(value & 0xffff_ffffn))
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** Overwrites a field written before: a length or a checksum known only now. */
  patchU16(offset: number, value: number): this {
    if (offset < 0 || offset + 2 > this.#length) throw new RangeError(`nothing written yet at offset ${offset}`)
    this.#bytes[offset] = value >>> 8
    this.#bytes[offset + 1] = value
    return this
  }

  /** What was written, as a view of the buffer; a later write may or may not be seen through it. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(length: number): number {
    const at = this.#length
    const needed = at + length
    if (needed > this.#bytes.length) {
      if (this.#fixed) throw new RangeError(`${needed} bytes do not fit into ${this.#bytes.length}`)
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, at))
      this.#bytes = grown
    }
    this.#length = needed
    return at
  }
}
