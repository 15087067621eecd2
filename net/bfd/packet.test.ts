import fc from 'fast-check'
import { codecLaws } from '../../testkit/codec-laws.ts'
import { hex } from '../../testkit/hex.ts'
import { type ControlPacket, decodeControlPacket, encodeControlPacket, STATES } from './packet.ts'

const first: ControlPacket = {
  diagnostic: 0,
  state: 'Down',
  isPoll: false,
  isFinal: false,
  isControlPlaneIndependent: false,
  isDemand: false,
  isMultipoint: false,
  detectMultiplier: 3,
  myDiscriminator: 1,
  yourDiscriminator: 0,
  desiredMinTxMicroseconds: 1_000_000,
  requiredMinRxMicroseconds: 300_000,
  requiredMinEchoRxMicroseconds: 50_000,
  authentication: undefined,
}

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const octet = fc.integer({ min: 0, max: 255 })

codecLaws<ControlPacket>({
  name: 'BFD control packet',
  decode: decodeControlPacket,
  encode: encodeControlPacket,
  goldens: [
    {
      name: 'the first packet of a session',
      bytes: hex`
        20        # version 1, no diagnostic
        40        # Down
        03 18     # detect multiplier, length
        00000001  # my discriminator
        00000000  # your discriminator: not known
        000f4240  # desired min TX 1 s
        000493e0  # required min RX 300 ms
        0000c350  # required min echo RX 50 ms`,
      value: first,
    },
    {
      name: 'Up with Poll',
      bytes: hex`20 e0 03 18 00000001 80000002 000493e0 000493e0 00000000`,
      value: {
        ...first,
        state: 'Up',
        isPoll: true,
        yourDiscriminator: 0x8000_0002,
        desiredMinTxMicroseconds: 300_000,
        requiredMinEchoRxMicroseconds: 0,
      },
    },
    {
      name: 'five bits of diagnostic, every flag but A',
      bytes: hex`3f fb 01 18 00000001 00000002 00000000 00000000 00000000`,
      value: {
        ...first,
        diagnostic: 31,
        state: 'Up',
        isPoll: true,
        isFinal: true,
        isControlPlaneIndependent: true,
        isDemand: true,
        isMultipoint: true,
        detectMultiplier: 1,
        yourDiscriminator: 2,
        desiredMinTxMicroseconds: 0,
        requiredMinRxMicroseconds: 0,
        requiredMinEchoRxMicroseconds: 0,
      },
    },
    {
      name: 'AdminDown with a simple password (section 4.2)',
      bytes: hex`27 04 03 1f 00000001 00000002 000f4240 000493e0 00000000 01 07 05 73657361`,
      value: {
        ...first,
        diagnostic: 7,
        state: 'AdminDown',
        yourDiscriminator: 2,
        requiredMinEchoRxMicroseconds: 0,
        authentication: hex`01 07 05 73657361`,
      },
    },
    {
      name: 'a packet with something behind it: a UDP payload may be longer',
      bytes: hex`20 40 03 18 00000001 00000000 000f4240 000493e0 0000c350 00`,
      value: first,
      only: 'decode',
    },
  ],
  wholeAt: ({ bytes }) => (bytes.length === 25 ? [24] : []),
  crashers: [
    { name: 'version 0', bytes: hex`00 40 03 18 00000001 00000000 000f4240 000493e0 0000c350`, refused: 'unsupported' },
    { name: 'length 23', bytes: hex`20 40 03 17 00000001 00000000 000f4240 000493e0 0000c350`, refused: 'malformed' },
    {
      name: 'length 25 of 24',
      bytes: hex`20 40 03 19 00000001 00000000 000f4240 000493e0 0000c350`,
      refused: 'truncated',
    },
    {
      name: 'A without a section',
      bytes: hex`20 44 03 18 00000001 00000000 000f4240 000493e0 0000c350`,
      refused: 'malformed',
    },
    { name: 'nothing', bytes: hex``, refused: 'truncated' },
  ],
  values: fc.record({
    diagnostic: fc.integer({ min: 0, max: 31 }),
    state: fc.constantFrom(...STATES),
    isPoll: fc.boolean(),
    isFinal: fc.boolean(),
    isControlPlaneIndependent: fc.boolean(),
    isDemand: fc.boolean(),
    isMultipoint: fc.boolean(),
    detectMultiplier: octet,
    myDiscriminator: u32,
    yourDiscriminator: u32,
    desiredMinTxMicroseconds: u32,
    requiredMinRxMicroseconds: u32,
    requiredMinEchoRxMicroseconds: u32,
    authentication: fc.option(fc.uint8Array({ minLength: 2, maxLength: 40 }), { nil: undefined }),
  }),
})
