/** Peers that mean no good: whatever they send, a session answers with the protocol and with nothing else. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hex } from '../../testkit/hex.ts'
import { property } from '../../testkit/property.ts'
import {
  createSession,
  decodeMessage,
  describeNotification,
  encodeMessage,
  MAXIMUM_EXTENDED_LENGTH,
  MessageStream,
  type Session,
  type SessionAction,
  type SessionOptions,
  stateOf,
  step,
} from './index.ts'

const OURS: SessionOptions = {
  localAsn: 64_512,
  remote: { kind: 'external' },
  identifier: 1,
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: undefined,
  connectRetrySeconds: undefined,
  families: ['ipv4-unicast', 'ipv6-unicast'],
  offersExtendedNextHop: true,
  offersExtendedMessage: true,
  gracefulRestart: { restartTimeSeconds: 120, offersNotificationSupport: true },
  role: undefined,
  mustHaveRole: false,
  isPassive: true,
}
const MARKER = hex`ffffffffffffffffffffffffffffffff`
const OPEN = hex`${MARKER} 0047 01 04 fc01 005a c0000202 2a 0228
  010400010001 010400020001 0200 0600 4600 05060001 0001 0002 4006 0078 00010180 41040000fc01`
const KEEPALIVE = hex`${MARKER} 0013 04`
const ANNOUNCE = hex`${MARKER} 0037 02 0000 001b 40010100 40020602010000fc01 400304c6336402 c00804fc000064 20c000020a`
const ANNOUNCE_IPV6 = hex`${MARKER} 004d 02 0000 0036
  800e26 000201 10 20010db8000f00000000000000000002 00 80 20010db8000000000000000000000010
  40010100 40020602010000fc01`
const WITHDRAW = hex`${MARKER} 001c 02 0005 20c000020a 0000`
const REFRESH = hex`${MARKER} 0017 05 0001 00 01`
const NOTIFICATION = hex`${MARKER} 0015 03 06 02`
const CONVERSATION = [OPEN, KEEPALIVE, ANNOUNCE, ANNOUNCE_IPV6, WITHDRAW, REFRESH, KEEPALIVE]

/** A passive session and one connection to it. */
class Victim {
  session: Session
  readonly stream = new MessageStream(MAXIMUM_EXTENDED_LENGTH)
  readonly answers: string[] = []
  readonly counts = new Map<string, number>()
  isConnected = true

  constructor(options: Partial<SessionOptions> = {}) {
    this.session = createSession({ ...OURS, ...options })
    this.#happen({ kind: 'start' })
    this.#happen({ kind: 'offered' })
  }

  get state(): string {
    return stateOf(this.session)
  }

  #happen(event: Parameters<typeof step>[1]): void {
    const { session, actions } = step(this.session, event, 0)
    this.session = session
    for (const action of actions) this.#note(action)
  }

  #note(action: SessionAction): void {
    const kind = action.kind === 'update' ? `judged ${action.judgement.kind}` : action.kind
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    if (action.kind === 'close') this.isConnected = false
    if (action.kind !== 'send') return
    const message = decodeMessage(action.bytes)
    this.answers.push(message.kind === 'notification' ? describeNotification(message.notification) : message.kind)
  }

  /** Takes bytes as a socket would, until the connection is closed. */
  hear(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) {
      for (const item of this.stream.push(chunk)) {
        if (!this.isConnected) return this
        if (item.kind === 'fault') this.#happen({ ...item, direction: 'incoming' })
        else this.#happen({ ...item, direction: 'incoming' })
      }
    }
    return this
  }
}

test('the conversation itself is sound', () => {
  const victim = new Victim().hear(...CONVERSATION)
  assert.deepEqual([victim.state, victim.answers], ['Established', ['open', 'keepalive']])
  assert.deepEqual([victim.counts.get('judged accept'), victim.counts.get('refresh')], [3, 1])
  assert.deepEqual(victim.hear(NOTIFICATION).state, 'Active')
})

describe('known tricks', () => {
  for (const [what, chunks, last] of [
    [
      'an OPEN with hold time 1',
      [hex`${MARKER} 001d 01 04 fc01 0001 c0000202 00`],
      'open message error: unacceptable hold time',
    ],
    ['an OPEN without capabilities, then silence', [hex`${MARKER} 001d 01 04 fc01 005a c0000202 00`], 'keepalive'],
    ['two OPENs', [OPEN, OPEN], 'finite state machine error: unexpected message in OpenConfirm'],
    ['an UPDATE before the OPEN', [ANNOUNCE], 'finite state machine error: unexpected message in OpenSent'],
    [
      'HTTP',
      [new TextEncoder().encode('GET / HTTP/1.1\r\nHost: bgp\r\n\r\n')],
      'message header error: connection not synchronized',
    ],
    ['capabilities that overrun their parameter', [openWith(new Uint8Array(250).fill(99))], 'open message error'],
    [
      'an UPDATE of nothing but lengths',
      [OPEN, KEEPALIVE, hex`${MARKER} 0017 02 ffff ffff`],
      'update message error: malformed attribute list',
    ],
  ] as const) {
    test(`${what}: ${last}`, () => assert.equal(new Victim().hear(...chunks).answers.at(-1), last))
  }
  test('attributes beyond count: the work stays linear', () => {
    // 16,000 times the same attribute of no length in one long message.
    const attributes = new Uint8Array(48_000)
    for (let at = 0; at < attributes.length; at += 3) attributes.set([0xc0, 99, 0], at)
    const update = { withdrawn: hex``, attributes: [], overrun: attributes, nlri: hex`20c000020a` }
    const victim = new Victim().hear(OPEN, KEEPALIVE, encodeMessage({ kind: 'update', update }))
    assert.equal(victim.state, 'Established')
    assert.equal(victim.counts.get('judged treat-as-withdraw'), 1)
  })
  test('a hundred thousand routes leave nothing behind in the session', () => {
    const victim = new Victim().hear(OPEN, KEEPALIVE)
    const size = () => JSON.stringify(victim.session, (_, value) => (value instanceof Set ? [...value] : value)).length
    const before = size()
    for (let index = 0; index < 100_000; index++) victim.hear(ANNOUNCE)
    assert.equal(victim.counts.get('judged accept'), 100_000)
    assert.equal(size(), before)
    assert.equal(victim.stream.buffered, 0)
  })
})

function openWith(parameters: Uint8Array): Uint8Array {
  const value = hex`04 fc01 005a c0000202 ${Uint8Array.of(parameters.length + 2, 2, parameters.length)} ${parameters}`
  return hex`${MARKER} ${Uint8Array.of((19 + value.length) >> 8, 19 + value.length)} 01 ${value}`
}

const whole = Uint8Array.from(CONVERSATION.flatMap((message) => [...message]))
const anyBlow = fc.tuple(fc.integer({ min: 0, max: whole.length - 1 }), fc.integer({ min: 0, max: 255 }))

property(
  'a conversation with bytes changed, in any pieces: a NOTIFICATION and the end, or the session goes on',
  [fc.array(anyBlow, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 200 })],
  (blows, size) => {
    const bytes = whole.slice()
    for (const [at, value] of blows) bytes[at] = value
    const victim = new Victim()
    for (let at = 0; at < bytes.length && victim.isConnected; at += size) victim.hear(bytes.subarray(at, at + size))
    const isRefused = victim.answers.some((answer) => answer.includes('error') || answer.includes('cease'))
    const isClosedByThem = victim.counts.has('down')
    assert.ok(victim.isConnected ? !isRefused : isRefused || isClosedByThem)
    assert.ok(victim.stream.buffered <= MAXIMUM_EXTENDED_LENGTH)
  },
  { share: 5 },
)

property(
  'messages whole but in any order and number',
  [fc.array(fc.constantFrom(...CONVERSATION, NOTIFICATION), { size: 'max', maxLength: 30 })],
  (messages) => {
    const victim = new Victim().hear(...messages)
    assert.equal(victim.isConnected, victim.state !== 'Active')
  },
)
