import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DecodeError, internetChecksum, Reader, Writer } from './index.ts'

describe('the reader', () => {
  test('reads network byte order, unsigned', () => {
    const reader = new Reader(Uint8Array.of(0xff, 0x80, 0x01, 0xff, 0xff, 0xff, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 1, 9))
    assert.equal(reader.u8(), 0xff)
    assert.equal(reader.u16(), 0x8001)
    assert.equal(reader.u32(), 0xfffffffe)
    assert.equal(reader.u64(), 0x8000_0000_0000_0001n)
    assert.equal(reader.offset, 15)
    assert.equal(reader.remaining, 1)
    assert.deepEqual(reader.rest(), Uint8Array.of(9))
    reader.expectEnd('message')
  })

  const short: readonly [name: string, read: (reader: Reader) => unknown][] = [
    ['u8', (reader) => reader.u8()],
    ['u16', (reader) => reader.u16()],
    ['u32', (reader) => reader.u32()],
    ['u64', (reader) => reader.u64()],
    ['take', (reader) => reader.take(1)],
    ['sub', (reader) => reader.sub(1)],
  ]
  for (const [name, read] of short) {
    test(`${name} past the end is truncated, at the position reached`, () => {
      assert.throws(() => read(new Reader(new Uint8Array(0), 7)), { name: 'DecodeError', kind: 'truncated', offset: 7 })
    })
  }

  for (const length of [-1, Number.NaN, Number.POSITIVE_INFINITY, 3]) {
    test(`take(${length}) of two bytes is refused, never clamped`, () => {
      assert.throws(() => new Reader(new Uint8Array(2)).take(length), DecodeError)
    })
  }

  test('a part keeps counting from the outermost message', () => {
    const reader = new Reader(new Uint8Array(10))
    reader.take(4)
    const part = reader.sub(3)
    part.u16()
    assert.equal(part.offset, 6)
    assert.equal(reader.offset, 7)
    assert.throws(() => part.u16(), { kind: 'truncated', offset: 6 })
  })

  test('bytes left over are malformed', () => {
    const reader = new Reader(new Uint8Array(3))
    reader.u8()
    assert.throws(() => reader.expectEnd('option'), {
      kind: 'malformed',
      offset: 1,
      message: 'option has 2 bytes too many',
    })
  })
})

describe('the writer', () => {
  test('gives back to the reader what went in, whatever the order', () => {
    const field = fc.oneof(
      fc.record({ kind: fc.constant('u8' as const), value: fc.nat(0xff) }),
      fc.record({ kind: fc.constant('u16' as const), value: fc.nat(0xffff) }),
      fc.record({ kind: fc.constant('u32' as const), value: fc.nat(0xffffffff) }),
      fc.record({ kind: fc.constant('u64' as const), value: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) }),
      fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 100 }) }),
    )
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const writer = new Writer()
        for (const each of fields) {
          if (each.kind === 'u64') writer.u64(each.value)
          else if (each.kind === 'bytes') writer.bytes(each.value)
          else writer[each.kind](each.value)
        }
        const reader = new Reader(writer.finish())
        for (const each of fields) {
          const read = each.kind === 'bytes' ? reader.take(each.value.length) : reader[each.kind]()
          assert.deepEqual(read, each.value)
        }
        reader.expectEnd('message')
      }),
    )
  })

  test('a fixed buffer is filled in place and never left', () => {
    const into = new Uint8Array(3)
    const writer = new Writer(into).u16(0x0102)
    assert.throws(() => writer.u16(0), RangeError)
    writer.u8(3)
    assert.deepEqual(into, Uint8Array.of(1, 2, 3))
  })

  test('patchU16 reaches only what was written', () => {
    const writer = new Writer().u16(0).u8(7).patchU16(0, 0xabcd)
    assert.deepEqual(writer.finish(), Uint8Array.of(0xab, 0xcd, 7))
    assert.throws(() => writer.patchU16(2, 0), RangeError)
    assert.throws(() => writer.patchU16(-1, 0), RangeError)
  })
})

describe('the Internet checksum (RFC 1071)', () => {
  test('the example of section 3: 0001 f203 f4f5 f6f7 sums to ddf2', () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)
    assert.equal(internetChecksum(bytes), ~0xddf2 & 0xffff)
    assert.equal(internetChecksum(bytes.subarray(0, 4), bytes.subarray(4)), ~0xddf2 & 0xffff)
  })

  test('an odd last byte counts as the high half of a word', () => {
    assert.equal(internetChecksum(Uint8Array.of(0x12)), ~0x1200 & 0xffff)
  })

  test('over a message that carries it, it is zero', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 300 }), (bytes) => {
        bytes[0] = 0
        bytes[1] = 0
        const sum = internetChecksum(bytes)
        bytes[0] = sum >>> 8
        bytes[1] = sum & 0xff
        assert.equal(internetChecksum(bytes), 0)
      }),
    )
  })
})
