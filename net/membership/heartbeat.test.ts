import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { codecLaws } from '../../testkit/codec-laws.ts'
import { hex } from '../../testkit/hex.ts'
import { property } from '../../testkit/property.ts'
import { decodeBody, encodeBody, encodeHeartbeat, type Heartbeat, verifyHeartbeat } from './heartbeat.ts'

const KEY = new TextEncoder().encode('AAECAwQFBgcICQoLDA0ODw')

const ALPHA: Heartbeat = {
  node: 'alpha',
  bootId: 0x0006_3f1d_0000_0001n,
  sequence: 7n,
  intervalMs: 100,
  isLeaving: false,
  isUnicast: false,
  interfaces: ['eth0', 'bond1'],
}

const ALPHA_BYTES = hex`
  494e5652              # INVR
  01 00 0064            # version, flags, interval
  00063f1d00000001      # boot id
  0000000000000007      # sequence
  05 616c706861         # alpha
  02 04 65746830        # two interfaces: eth0,
     05 626f6e6431      # bond1`

const name = (most: number) => fc.stringMatching(new RegExp(`^[a-z][a-z0-9.-]{0,${most - 1}}$`))

codecLaws<Heartbeat>({
  name: 'heartbeat',
  decode: decodeBody,
  encode: encodeBody,
  goldens: [
    { name: 'a node with two interfaces', bytes: ALPHA_BYTES, value: ALPHA },
    {
      name: 'a goodbye by unicast from a node that announces on nothing',
      bytes: hex`494e5652 01 03 0064 00063f1d00000001 0000000000000008 05 616c706861 00`,
      value: { ...ALPHA, sequence: 8n, isLeaving: true, isUnicast: true, interfaces: [] },
    },
  ],
  crashers: [
    {
      name: 'an interval of nothing would declare everybody dead',
      bytes: hex`494e5652 01 00 0000 00063f1d00000001 0000000000000007 05 616c706861 00`,
      refused: 'malformed',
    },
    {
      name: 'more interfaces than any machine has',
      bytes: hex`494e5652 01 00 0064 00063f1d00000001 0000000000000007 05 616c706861 ff`,
      refused: 'too-long',
    },
    {
      name: 'an empty node name',
      bytes: hex`494e5652 01 00 0064 00063f1d00000001 0000000000000007 00 00`,
      refused: 'malformed',
    },
    {
      name: 'a name that is not UTF-8',
      bytes: hex`494e5652 01 00 0064 00063f1d00000001 0000000000000007 01 ff 00`,
      refused: 'malformed',
    },
    {
      name: 'a version to come',
      bytes: hex`494e5652 02 00 0064 00063f1d00000001 0000000000000007 05 616c706861 00`,
      refused: 'unsupported',
    },
  ],
  values: fc.record({
    node: name(63),
    bootId: fc.bigInt(0n, 2n ** 64n - 1n),
    sequence: fc.bigInt(0n, 2n ** 64n - 1n),
    intervalMs: fc.integer({ min: 20, max: 60_000 }),
    isLeaving: fc.boolean(),
    isUnicast: fc.boolean(),
    interfaces: fc.array(name(15), { maxLength: 32 }),
  }),
})

describe('heartbeat authentication', () => {
  test('the code is HMAC-SHA256 over the body', () => {
    const expected = createHmac('sha256', KEY).update(ALPHA_BYTES).digest('hex')
    assert.equal(Buffer.from(encodeHeartbeat(ALPHA, KEY)).subarray(-32).toString('hex'), expected)
  })

  test('what was signed with any of the keys is accepted: a key can be rotated', () => {
    const other = new Uint8Array(16).fill(9)
    assert.deepEqual(verifyHeartbeat(encodeHeartbeat(ALPHA, KEY), [other, KEY]), {
      kind: 'heartbeat',
      heartbeat: ALPHA,
    })
  })

  const REFUSED: readonly [string, Uint8Array, readonly Uint8Array[], string][] = [
    ['another key', encodeHeartbeat(ALPHA, new Uint8Array(16)), [KEY], 'bad-authentication'],
    ['no key at all', encodeHeartbeat(ALPHA, KEY), [], 'bad-authentication'],
    ['nothing', new Uint8Array(0), [KEY], 'too-short'],
    ['a code without a body', new Uint8Array(32), [KEY], 'too-short'],
    ['more than fits a frame', new Uint8Array(1_201), [KEY], 'too-long'],
  ]
  for (const [what, datagram, keys, because] of REFUSED) {
    test(`${what}: ${because}`, () => assert.deepEqual(verifyHeartbeat(datagram, keys), { kind: 'ignore', because }))
  }

  test('signed nonsense is malformed, not a crash', () => {
    const body = hex`00 01 02`
    const code = createHmac('sha256', KEY).update(body).digest()
    assert.deepEqual(verifyHeartbeat(hex`${body} ${code}`, [KEY]), { kind: 'ignore', because: 'malformed' })
  })

  property('one changed bit anywhere is refused', [fc.nat(), fc.integer({ min: 0, max: 7 })], (at, bit) => {
    const datagram = encodeHeartbeat(ALPHA, KEY)
    const place = at % datagram.length
    datagram[place] = datagram[place]! ^ (1 << bit)
    assert.deepEqual(verifyHeartbeat(datagram, [KEY]), { kind: 'ignore', because: 'bad-authentication' })
  })

  property('any bytes are ignored with a reason', [fc.uint8Array({ maxLength: 1_500 })], (bytes) => {
    assert.equal(verifyHeartbeat(bytes, [KEY]).kind, 'ignore')
  })
})
