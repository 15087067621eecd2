import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type fc from 'fast-check'
import { DecodeError, type DecodeErrorKind } from '../net/bytes/index.ts'
import { toHex } from './hex.ts'
import { property } from './property.ts'

/** Bytes from a capture or a standard, never from our own encoder, and what they mean. */
export interface Golden<Value> {
  readonly name: string
  readonly bytes: Uint8Array
  readonly value: Value
  /** `decode`: legal, but we would write it otherwise (padding, unknown options). Default: both ways. */
  readonly only?: 'decode'
}

/** Bytes that once broke a decoder, here or elsewhere, and how they are refused; undefined = they must decode. */
export interface Crasher {
  readonly name: string
  readonly bytes: Uint8Array
  readonly refused: DecodeErrorKind | undefined
}

export interface CodecUnderTest<Value> {
  readonly name: string
  readonly goldens: readonly Golden<Value>[]
  readonly decode: (bytes: Uint8Array) => Value
  readonly encode: (value: Value) => Uint8Array
  readonly crashers?: readonly Crasher[]
  /** Any value that may be encoded: decode(encode(value)) must be equal. */
  readonly values?: fc.Arbitrary<Value>
  /** Lengths at which a golden cut short is still a whole message (a codec whose end is not marked). Default: none. */
  readonly wholeAt?: (golden: Golden<Value>) => readonly number[]
  /** For byte streams: a new receiver, which returns the messages that each chunk completes. */
  readonly receiver?: () => (chunk: Uint8Array) => readonly Value[]
}

/** The same six tests for every codec, and a seventh for what `values` makes. Call it at the top level of a test file. */
export function codecLaws<Value>(codec: CodecUnderTest<Value>): void {
  describe(`${codec.name}: codec laws`, () => {
    goldensDecode(codec)
    goldensEncode(codec)
    truncationsAreRefused(codec)
    mutationsAreContained(codec)
    piecesMakeTheWhole(codec)
    crashersStayDead(codec)
    if (codec.values !== undefined) {
      // Cloned, since fc.record makes objects without prototype, which deepEqual tells from our own.
      const values = codec.values.map((value) => structuredClone(value))
      property('whatever is encoded decodes to the same value', [values], (value) => {
        assert.deepEqual(codec.decode(codec.encode(value)), value)
      })
    }
  })
}

function goldensDecode<Value>({ goldens, decode }: CodecUnderTest<Value>): void {
  for (const golden of goldens) {
    test(`decodes ${golden.name}`, () => assert.deepEqual(decode(golden.bytes), golden.value))
  }
}

function goldensEncode<Value>({ goldens, encode }: CodecUnderTest<Value>): void {
  for (const golden of goldens) {
    if (golden.only === 'decode') continue
    test(`encodes ${golden.name}`, () => assert.equal(toHex(encode(golden.value)), toHex(golden.bytes)))
  }
}

function truncationsAreRefused<Value>({ goldens, decode, wholeAt }: CodecUnderTest<Value>): void {
  test('every truncation is refused', () => {
    for (const golden of goldens) {
      const whole = new Set(wholeAt?.(golden) ?? [])
      for (let length = 0; length < golden.bytes.length; length++) {
        const outcome = attempt(decode, golden.bytes.slice(0, length))
        assert.equal(outcome.kind, whole.has(length) ? 'decoded' : 'refused', `${golden.name} cut to ${length} bytes`)
      }
    }
  })
}

/** Above this many decodes a golden is mutated bit by bit only. */
const EXHAUSTIVE_BYTES = 200

function mutationsAreContained<Value>({ goldens, decode, encode }: CodecUnderTest<Value>): void {
  test('every change of one byte decodes to something that encodes alike, or is a DecodeError', () => {
    for (const golden of goldens) {
      const exhaustive = golden.bytes.length <= EXHAUSTIVE_BYTES
      const masks = exhaustive ? Array.from({ length: 255 }, (_, index) => index + 1) : BITS
      for (let at = 0; at < golden.bytes.length; at++) {
        for (const mask of masks) {
          const mutated = golden.bytes.slice()
          mutated[at]! ^= mask
          const outcome = attempt(decode, mutated)
          if (outcome.kind === 'refused') continue
          const again = attempt(decode, encode(outcome.value))
          assert.deepEqual(again, outcome, `${golden.name}, byte ${at} ^ ${mask}: ${toHex(mutated)}`)
        }
      }
    }
  })
}

const BITS = [1, 2, 4, 8, 16, 32, 64, 128]

function piecesMakeTheWhole<Value>(codec: CodecUnderTest<Value>): void {
  const { receiver } = codec
  if (receiver === undefined) {
    test('a view into a larger buffer decodes alike: nothing around it is read', () => {
      for (const { name, bytes, value } of codec.goldens) {
        for (const noise of [0x00, 0xff]) {
          const buffer = new Uint8Array(bytes.length + 14).fill(noise)
          buffer.set(bytes, 7)
          assert.deepEqual(codec.decode(buffer.subarray(7, 7 + bytes.length)), value, name)
        }
      }
    })
    return
  }
  test('streamed one byte at a time, all messages arrive once and in order', () => {
    const receive = receiver()
    const stream = codec.goldens.flatMap(({ bytes }) => [...bytes])
    const received = stream.flatMap((byte) => [...receive(Uint8Array.of(byte))])
    assert.deepEqual(
      received,
      codec.goldens.map(({ value }) => value),
    )
  })
}

function crashersStayDead<Value>({ crashers = [], decode }: CodecUnderTest<Value>): void {
  for (const { name, bytes, refused } of crashers) {
    test(`crasher: ${name}`, () => {
      const outcome = attempt(decode, bytes)
      assert.equal(outcome.kind === 'refused' ? outcome.error.kind : undefined, refused)
    })
  }
}

type Outcome<Value> =
  | { readonly kind: 'decoded'; readonly value: Value }
  | { readonly kind: 'refused'; readonly error: DecodeError }

/** Anything thrown but a DecodeError, or one that points outside the message, ends the test. */
function attempt<Value>(decode: (bytes: Uint8Array) => Value, bytes: Uint8Array): Outcome<Value> {
  try {
    return { kind: 'decoded', value: decode(bytes) }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw new Error(`not a DecodeError for ${toHex(bytes)}`, { cause: error })
    if (error.offset < 0 || error.offset > bytes.length) throw new Error('offset outside the message', { cause: error })
    return { kind: 'refused', error }
  }
}
