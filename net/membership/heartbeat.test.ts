import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { codecLaws } from '../../testkit/codec-laws.ts'
import { hex, toHex } from '../../testkit/hex.ts'
import { property } from '../../testkit/property.ts'
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat, MAX_DATAGRAM_BYTES, seal, unseal } from './index.ts'

const KEY = new TextEncoder().encode('AAECAwQFBgcICQoLDA0ODw')
const OLD_KEY = new TextEncoder().encode('EBESExQVFhcYGRobHB0eHw')

const ALPHA: Heartbeat = {
  node: 'alpha',
  bootId: 0x0006_3f1d_0000_0001n,
  sequence: 7n,
  intervalMs: 100,
  isLeaving: false,
  cannotHearYou: false,
  isUrgent: false,
  echo: undefined,
  segments: [
    { interface: 'eth0', mac: '02:00:00:00:00:01', hears: 2 },
    { interface: 'bond1', mac: '02:00:00:00:00:0f', hears: 255 },
  ],
}

const ALPHA_BYTES = hex`
  01 00 0064                           # version, flags, interval
  00063f1d00000001                     # boot id
  0000000000000007                     # sequence
  05 616c706861                        # alpha
  02                                   # two segments
     04 65746830   020000000001 02     # eth0, its MAC, hears two
     05 626f6e6431 02000000000f ff     # bond1`

const GOODBYE: Heartbeat = { ...ALPHA, isLeaving: true, segments: [] }
const ASKING: Heartbeat = { ...GOODBYE, isLeaving: false, cannotHearYou: true, echo: { bootId: 1n, sequence: 2n } }

const anyName = (mostBytes: number) => fc.stringMatching(new RegExp(`^[a-z][a-z0-9.-]{0,${mostBytes - 1}}$`))
const anyU64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const anyMac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => toHex(bytes).match(/../g)!.join(':'))
const anyHeartbeat: fc.Arbitrary<Heartbeat> = fc.record({
  node: anyName(253),
  bootId: anyU64,
  sequence: anyU64,
  intervalMs: fc.nat(0xffff),
  isLeaving: fc.boolean(),
  cannotHearYou: fc.boolean(),
  isUrgent: fc.boolean(),
  echo: fc.option(fc.record({ bootId: anyU64, sequence: anyU64 }), { nil: undefined }),
  segments: fc.array(fc.record({ interface: anyName(15), mac: anyMac, hears: fc.nat(255) }), { maxLength: 32 }),
})

const HEAD = hex`01 00 0064 00063f1d00000001 0000000000000007`

codecLaws<Heartbeat>({
  name: 'heartbeat',
  goldens: [
    { name: 'a node with two segments', bytes: ALPHA_BYTES, value: ALPHA },
    {
      name: 'a goodbye from a node that announces on nothing',
      bytes: hex`01 01 0064 00063f1d00000001 0000000000000007 05 616c706861 00`,
      value: GOODBYE,
    },
    {
      name: 'a unicast to somebody who is not heard by multicast',
      bytes: hex`
        01 06 0064 00063f1d00000001 0000000000000007
        0000000000000001 0000000000000002              # echo
        05 616c706861 00`,
      value: ASKING,
    },
    {
      name: 'a unicast to somebody who has been silent',
      bytes: hex`
        01 0c 0064 00063f1d00000001 0000000000000007
        0000000000000001 0000000000000002              # echo
        05 616c706861 00`,
      value: { ...ASKING, cannotHearYou: false, isUrgent: true },
    },
  ],
  decode: decodeHeartbeat,
  encode: encodeHeartbeat,
  values: anyHeartbeat,
  crashers: [
    { name: 'another version', bytes: hex`02 00`, refused: 'unsupported' },
    { name: 'a flag of the future', bytes: hex`01 80`, refused: 'unsupported' },
    { name: 'an empty node name', bytes: hex`${HEAD} 00 00`, refused: 'malformed' },
    { name: 'a node name beyond a DNS subdomain', bytes: hex`${HEAD} fe`, refused: 'too-long' },
    { name: 'more segments than any machine has', bytes: hex`${HEAD} 01 61 21`, refused: 'too-long' },
    { name: 'an interface name that no kernel has', bytes: hex`${HEAD} 01 61 01 10`, refused: 'too-long' },
    { name: 'a name that is not UTF-8', bytes: hex`${HEAD} 01 ff 00`, refused: 'malformed' },
    { name: 'bytes behind the end', bytes: hex`${HEAD} 01 61 00 00`, refused: 'malformed' },
  ],
})

describe('the seal', () => {
  test('is HMAC-SHA256 over the whole heartbeat, as another implementation computes it', () => {
    const expected = createHmac('sha256', KEY).update(ALPHA_BYTES).digest()
    assert.equal(toHex(seal(ALPHA, KEY)), toHex(ALPHA_BYTES) + expected.toString('hex'))
  })

  test('any of the keys opens it', () => {
    const opened = unseal(seal(ALPHA, OLD_KEY), [KEY, OLD_KEY])
    assert.deepEqual(opened, { kind: 'heartbeat', heartbeat: ALPHA })
  })

  const refused: readonly [name: string, datagram: Uint8Array, because: string][] = [
    ['a foreign key', seal(ALPHA, OLD_KEY), 'forged'],
    ['nothing', new Uint8Array(0), 'malformed'],
    ['less than a signature', new Uint8Array(31), 'malformed'],
    ['a signature of nothing', createHmac('sha256', KEY).digest(), 'malformed'],
    ['a signature without key', hex`${ALPHA_BYTES} ${createHmac('sha256', '').update(ALPHA_BYTES).digest()}`, 'forged'],
    ['more than any heartbeat', new Uint8Array(MAX_DATAGRAM_BYTES + 1), 'oversized'],
  ]
  for (const [name, datagram, because] of refused) {
    test(`${name} is ${because}`, () => assert.deepEqual(unseal(datagram, [KEY]), { kind: 'refused', because }))
  }

  test('every change of one byte is a forgery', () => {
    const datagram = seal(ALPHA, KEY)
    for (let at = 0; at < datagram.length; at++) {
      const forged = datagram.slice()
      forged[at]! ^= 1
      assert.deepEqual(unseal(forged, [KEY]), { kind: 'refused', because: 'forged' })
    }
  })

  test('the longest heartbeat fits the limit exactly, and the limit an Ethernet frame', () => {
    const segments = Array.from({ length: 32 }, () => ({
      interface: 'x'.repeat(15),
      mac: '02:00:00:00:00:01',
      hears: 0,
    }))
    const longest = { ...ASKING, node: 'n'.repeat(253), segments }
    assert.equal(seal(longest, KEY).length, MAX_DATAGRAM_BYTES)
    assert.ok(MAX_DATAGRAM_BYTES <= 1280 - 40 - 8, 'least IPv6 MTU less headers')
  })

  property('no bytes make it throw', [fc.uint8Array({ maxLength: 200 })], (bytes) => {
    unseal(bytes, [KEY])
  })
})
