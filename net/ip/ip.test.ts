import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type Address,
  addressFromBytes,
  addressToBytes,
  compareAddresses,
  type Family,
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
  parseRange,
  prefixContains,
  prefixOf,
  type Range,
  rangeContains,
  rangeOfPrefix,
  rangeSize,
  rangesOverlap,
  rangeToPrefixes,
  widthOf,
} from './index.ts'

const anyFamily = fc.constantFrom<Family>(4, 6)
const anyAddress: fc.Arbitrary<Address> = anyFamily.chain((family) =>
  fc
    .oneof(fc.bigInt({ min: 0n, max: (1n << BigInt(widthOf(family))) - 1n }), fc.bigInt({ min: 0n, max: 0xffffn }))
    .map((bits) => ({ family, bits })),
)

/** A second derivation of RFC 4291 text: every group in full. */
function inFull(address: Address): string {
  const hex = address.bits.toString(16).padStart(32, '0')
  return hex.match(/..../g)!.join(':')
}

describe('addresses are written one way only (RFC 5952 sections 4 and 5)', () => {
  const rows: readonly [text: string, canonical: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4:5:6:c000:201'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
  ]
  for (const [text, canonical] of rows) {
    test(`${text} is ${canonical}`, () => {
      const address = parseAddress(text)
      assert.ok(address)
      assert.equal(formatAddress(address), canonical)
    })
  }
})

describe('not addresses', () => {
  const rows = [
    '',
    ' ',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4.',
    '.1.2.3.4',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.-4',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4/32',
    '0x1.2.3.4',
    '1e1.2.3.4',
    ':',
    ':::',
    '::1::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1:2:3:4::5:6:7:8',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '::1.2.3',
    '::1.2.3.04',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::ffff:1.2.3.4.5',
  ]
  for (const text of rows) {
    test(`'${text}'`, () => assert.equal(parseAddress(text), undefined))
  }
})

test('text, bytes and the full form all name the same address', () => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      assert.deepEqual(parseAddress(formatAddress(address)), address)
      assert.deepEqual(addressFromBytes(addressToBytes(address)), address)
      if (address.family === 6) assert.deepEqual(parseAddress(inFull(address)), address)
    }),
  )
})

test('whatever text is read as an address, its canonical text is a fixed point', () => {
  const soup = fc.string({ unit: fc.constantFrom(...'0123456789abcf:.'), maxLength: 24 })
  fc.assert(
    fc.property(soup, (text) => {
      const address = parseAddress(text)
      if (address === undefined) return
      const canonical = formatAddress(address)
      assert.equal(formatAddress(parseAddress(canonical)!), canonical)
    }),
  )
})

test('an address has 4 or 16 bytes', () => {
  assert.throws(() => addressFromBytes(new Uint8Array(5)), { name: 'RangeError' })
})

test('IPv4 sorts before IPv6, then by number', () => {
  const sorted = ['0.0.0.0', '9.0.0.0', '10.0.0.0', '255.255.255.255', '::', '2001:db8::9', '2001:db8::10']
  const addresses = sorted.map((text) => parseAddress(text)!)
  assert.deepEqual(addresses.toReversed().sort(compareAddresses).map(formatAddress), sorted)
  assert.equal(compareAddresses(addresses[0]!, { ...addresses[0]! }), 0)
})

describe('prefixes', () => {
  const rows: readonly [text: string, canonical: string | undefined][] = [
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['192.0.2.77/32', '192.0.2.77/32'],
    ['192.0.2.77/0', '0.0.0.0/0'],
    ['2001:db8::77/64', '2001:db8::/64'],
    ['2001:db8::77/128', '2001:db8::77/128'],
    ['192.0.2.0/33', undefined],
    ['2001:db8::/129', undefined],
    ['192.0.2.0', undefined],
    ['192.0.2.0/', undefined],
    ['192.0.2.0/024', undefined],
    ['192.0.2.0/+24', undefined],
    ['192.0.2.0/24/24', undefined],
    ['192.0.2.0/255.255.255.0', undefined],
  ]
  for (const [text, canonical] of rows) {
    test(`${text} is ${canonical ?? 'refused'}`, () => {
      const prefix = parsePrefix(text)
      assert.equal(prefix && formatPrefix(prefix), canonical)
    })
  }

  test('a prefix contains exactly the addresses of its range', () => {
    fc.assert(
      fc.property(anyAddress, anyAddress, fc.nat(128), (inside, other, length) => {
        const prefix = prefixOf(inside, Math.min(length, widthOf(inside.family)))
        assert.ok(prefixContains(prefix, inside))
        assert.equal(prefixContains(prefix, other), rangeContains(rangeOfPrefix(prefix), other))
      }),
    )
  })

  test('a length that the family does not have is our own mistake', () => {
    assert.throws(() => prefixOf({ family: 4, bits: 0n }, 33), { name: 'RangeError' })
  })
})

describe('ranges', () => {
  const refused: readonly [text: string, kind: string][] = [
    ['192.0.2.1', 'unparsable'],
    ['192.0.2.1-', 'unparsable'],
    ['-192.0.2.1', 'unparsable'],
    ['192.0.2.1-192.0.2.2-192.0.2.3', 'unparsable'],
    ['192.0.2.1-9', 'unparsable'],
    ['192.0.2.1-2001:db8::1', 'mixed-families'],
    ['192.0.2.2-192.0.2.1', 'reversed'],
  ]
  for (const [text, kind] of refused) {
    test(`${text} is ${kind}`, () => assert.deepEqual(parseRange(text), { kind }))
  }

  const decomposed: readonly [text: string, prefixes: readonly string[]][] = [
    ['192.0.2.0-192.0.2.255', ['192.0.2.0/24']],
    ['192.0.2.5 - 192.0.2.5', ['192.0.2.5/32']],
    ['192.0.2.1-192.0.2.6', ['192.0.2.1/32', '192.0.2.2/31', '192.0.2.4/31', '192.0.2.6/32']],
    ['0.0.0.0-255.255.255.255', ['0.0.0.0/0']],
    ['2001:db8::-2001:db8::1:0', ['2001:db8::/112', '2001:db8::1:0/128']],
    ['::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ['::/0']],
  ]
  for (const [text, prefixes] of decomposed) {
    test(`${text} is ${prefixes.join(', ')}`, () => {
      assert.deepEqual(rangeToPrefixes(rangeFrom(text)).map(formatPrefix), prefixes)
    })
  }

  test('the prefixes of a range join without gap, and no two neighbours could be one', () => {
    const anyRange = fc.tuple(anyAddress, fc.bigInt({ min: 0n, max: 100_000n })).map(([first, more]): Range => {
      const last = (1n << BigInt(widthOf(first.family))) - 1n
      return { family: first.family, first: first.bits, last: first.bits + more > last ? last : first.bits + more }
    })
    fc.assert(
      fc.property(anyRange, (range) => {
        const parts = rangeToPrefixes(range)
        let next = range.first
        for (const [index, part] of parts.entries()) {
          const { first, last } = rangeOfPrefix(part)
          assert.equal(first, next)
          next = last + 1n
          const before = parts[index - 1]
          if (before?.length === part.length) assert.notEqual(prefixOf(before, part.length - 1).bits, before.bits)
        }
        assert.equal(next, range.last + 1n)
        assert.equal(
          parts.reduce((sum, part) => sum + rangeSize(rangeOfPrefix(part)), 0n),
          rangeSize(range),
        )
      }),
    )
  })

  test('overlap is symmetric, counts the ends, and never crosses families', () => {
    const rows: readonly [a: string, b: string, overlap: boolean][] = [
      ['192.0.2.1-192.0.2.5', '192.0.2.5-192.0.2.9', true],
      ['192.0.2.1-192.0.2.5', '192.0.2.6-192.0.2.9', false],
      ['192.0.2.0-192.0.2.255', '192.0.2.7-192.0.2.7', true],
      ['0.0.0.0-255.255.255.255', '::-::ffff:ffff', false],
    ]
    for (const [a, b, overlap] of rows) {
      assert.equal(rangesOverlap(rangeFrom(a), rangeFrom(b)), overlap)
      assert.equal(rangesOverlap(rangeFrom(b), rangeFrom(a)), overlap)
    }
  })
})

function rangeFrom(text: string): Range {
  const range = parseRange(text)
  assert.ok(!('kind' in range), `${text} is a range`)
  return range
}
