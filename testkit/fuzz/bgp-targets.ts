/** What bytes from a router reach: the decoders of BGP and BFD, and behind them whole sessions. */

import {
  type BfdOptions,
  type BfdSession,
  type ControlPacket,
  createBfdSession,
  decodeControlPacket,
  encodeControlPacket,
  stepBfd,
} from '../../net/bfd/index.ts'
import {
  createSession,
  decodeNotification,
  decodeOpen,
  decodeRouteRefresh,
  decodeUpdate,
  describeError,
  describeNotification,
  frameMessage,
  HEADER_LENGTH,
  judgeUpdate,
  MAXIMUM_EXTENDED_LENGTH,
  MESSAGE_TYPES,
  MessageStream,
  type MessageType,
  type Notification,
  type Session,
  type SessionAction,
  type SessionFacts,
  type SessionOptions,
  stateOf,
  step,
} from '../../net/bgp/index.ts'
import { hex } from '../hex.ts'
import { outcomeOf, type Target } from './target.ts'

const OPTIONS: SessionOptions = {
  ...{ localAsn: 64_512, remote: { kind: 'external' }, identifier: 1, holdTimeSeconds: 90 },
  ...{ keepaliveTimeSeconds: undefined, connectRetrySeconds: undefined, role: undefined, mustHaveRole: false },
  families: ['ipv4-unicast', 'ipv6-unicast'],
  ...{ offersExtendedNextHop: true, offersExtendedMessage: true, isPassive: true },
  gracefulRestart: { restartTimeSeconds: 120, offersNotificationSupport: true },
}
const FACTS: SessionFacts = {
  ...{ isExternal: true, asnWidth: 4, hasExtendedNextHop: true },
  families: new Set(['ipv4-unicast', 'ipv6-unicast']),
}

const BODIES: Readonly<Record<MessageType, readonly Uint8Array[]>> = {
  open: [
    hex`04 fc01 005a c0000202 2a 0228 010400010001 010400020001 0200 0600 4600 05060001 0001 0002 4006 0078 00010180 41040000fc01`,
    hex`04 5ba0 0003 c0000202 ff ff 000c 02 0009 4104fa56ea00 090103`,
    hex`04 fc01 0000 c0000202 00`,
  ],
  update: [
    hex`0000 001b 40010100 40020602010000fc01 400304c6336402 c00804fc000064 20c000020a`,
    hex`0000 0036 800e26 000201 10 20010db8000f00000000000000000002 00 80 20010db8000000000000000000000010
      40010100 40020602010000fc01`,
    hex`0000 002f 40010100 40020602010000fc01 400304c6336402 c02018 0000fc00 00000001 00000002 0000fc00 00000001 00000003 18c00002`,
    hex`0005 20c000020a 0000`,
    hex`0000 0006 800f03 000201`,
    hex`0000 0000`,
  ],
  notification: [hex`06 02 05 68656c6c6f`, hex`02 02 fc01`, hex`06 09 06 04`],
  keepalive: [hex``],
  'route-refresh': [hex`0001 00 01`, hex`0002 01 01`],
}

/** In a message with its header. */
const TYPE_AT = 18
const framed = (type: MessageType, body: Uint8Array) => frameMessage(type, body)
const CONVERSATION = [
  framed('open', BODIES.open[0]!),
  framed('keepalive', hex``),
  ...BODIES.update.map((body) => framed('update', body)),
  ...BODIES['route-refresh'].map((body) => framed('route-refresh', body)),
]
const whole = Uint8Array.from(CONVERSATION.flatMap((message) => [...message]))

/** A passive session that the peer has called. */
const called = ['start', 'offered'].reduce(
  (session, kind) => step(session, { kind } as { kind: 'start' | 'offered' }, 0).session,
  createSession(OPTIONS),
)
const established = hearAll(called, whole.subarray(0, CONVERSATION[0]!.length + CONVERSATION[1]!.length)).session

interface Hearing {
  readonly session: Session
  readonly answers: readonly Notification[]
  readonly isClosed: boolean
}

/** Takes bytes as a socket would, until the connection is closed. */
function hearAll(before: Session, bytes: Uint8Array): Hearing {
  const stream = new MessageStream(MAXIMUM_EXTENDED_LENGTH)
  const answers: Notification[] = []
  let session = before
  for (const item of stream.push(bytes)) {
    const result = step(session, { ...item, direction: 'incoming' }, 0)
    session = result.session
    for (const action of result.actions) if (isNotification(action)) answers.push(notificationIn(action.bytes))
    if (result.actions.some(({ kind }) => kind === 'close')) return { session, answers, isClosed: true }
  }
  if (stream.buffered > MAXIMUM_EXTENDED_LENGTH) throw new Error(`${stream.buffered} octets are held back`)
  return { session, answers, isClosed: false }
}

function isNotification(action: SessionAction): action is Extract<SessionAction, { kind: 'send' }> {
  return action.kind === 'send' && action.bytes[TYPE_AT] === MESSAGE_TYPES.notification
}

function notificationIn(message: Uint8Array): Notification {
  return decodeNotification(message.subarray(HEADER_LENGTH))
}

/** A session that is told to close says why, or was told why; one that is not goes on. */
function outcomeOfSession(before: Session): (bytes: Uint8Array) => string {
  return (bytes) => {
    const { session, answers, isClosed } = hearAll(before, bytes)
    const [last] = answers
    if (isClosed !== (stateOf(session) === 'Active')) throw new Error(`closed: ${isClosed}, and ${stateOf(session)}`)
    if (!isClosed) return answers.length === 0 ? 'decoded' : `answered: ${describeError(last!.code, last!.subcode)}`
    return last === undefined ? 'ended by the peer' : `refused: ${describeError(last.code, last.subcode)}`
  }
}

/** The first octet is the type: what is mutated stays one message. */
function outcomeOfMessage(before: Session): (bytes: Uint8Array) => string {
  const outcome = outcomeOfSession(before)
  const types = Object.keys(MESSAGE_TYPES) as MessageType[]
  return (bytes) => outcome(framed(types[(bytes[0] ?? 0) % types.length]!, bytes.subarray(1)))
}

function judged(body: Uint8Array): string {
  const { kind, faults } = judgeUpdate(decodeUpdate(body), FACTS)
  if (kind === 'accept') return 'decoded'
  const [cause] = faults.filter(({ treatment }) => treatment === kind)
  return `${kind}: ${cause?.because}`
}

const TIMES = { desiredMinTxMicroseconds: 50_000, requiredMinRxMicroseconds: 50_000 }
const BFD_OPTIONS: BfdOptions = {
  ...{ ...TIMES, requiredMinEchoRxMicroseconds: 50_000, detectMultiplier: 3, isPassive: false, minimumTtl: 255 },
}
const [OURS, THEIRS] = [7, 9]

function controlPacket(part: Partial<ControlPacket>): Uint8Array {
  return encodeControlPacket({
    ...{ diagnostic: 0, state: 'Up', isPoll: false, isFinal: false, isControlPlaneIndependent: false },
    ...{ isDemand: false, isMultipoint: false, detectMultiplier: 3, myDiscriminator: THEIRS, yourDiscriminator: OURS },
    ...{ ...TIMES, requiredMinEchoRxMicroseconds: 0, authentication: undefined },
    ...part,
  })
}

const BFD_SEEDS = [controlPacket({}), controlPacket({ isPoll: true }), controlPacket({ isFinal: true })]

function hearControl(session: BfdSession, bytes: Uint8Array) {
  return stepBfd(session, { kind: 'packet', packet: decodeControlPacket(bytes), receivedTtl: 255, ageMs: 0 }, 1000)
}

const up = [{ state: 'Down', yourDiscriminator: 0 } as const, {}].reduce(
  (session, part) => hearControl(session, controlPacket(part)).session,
  createBfdSession(OURS, BFD_OPTIONS),
)

function outcomeOfControl(bytes: Uint8Array): string {
  const { session, actions } = hearControl(up, bytes)
  const discarded = actions.find(({ kind }) => kind === 'discarded')
  if (discarded?.kind === 'discarded') return discarded.because
  return session.state === 'Up' ? 'decoded' : `now ${session.state}`
}

const withType = (type: MessageType) => (body: Uint8Array) =>
  Uint8Array.of(Object.keys(MESSAGE_TYPES).indexOf(type), ...body)

export const BGP_TARGETS: readonly Target[] = [
  { name: 'bgp-open', run: outcomeOf(decodeOpen), seeds: BODIES.open },
  { name: 'bgp-update', run: guarded(judged), seeds: BODIES.update },
  {
    name: 'bgp-notification',
    run: outcomeOf((body) => describeNotification(decodeNotification(body))),
    seeds: BODIES.notification,
  },
  { name: 'bgp-route-refresh', run: outcomeOf(decodeRouteRefresh), seeds: BODIES['route-refresh'] },
  { name: 'bgp-called', run: outcomeOfSession(called), seeds: [whole] },
  {
    name: 'bgp-established',
    run: outcomeOfMessage(established),
    seeds: [...BODIES.update.map(withType('update')), ...BODIES['route-refresh'].map(withType('route-refresh'))],
  },
  { name: 'bfd-packet', run: outcomeOf(decodeControlPacket), seeds: BFD_SEEDS },
  { name: 'bfd-session', run: guarded(outcomeOfControl), seeds: BFD_SEEDS },
]

/** As `outcomeOf`, for what says more than that it was decoded. */
function guarded(run: (bytes: Uint8Array) => string): (bytes: Uint8Array) => string {
  return (bytes) => {
    let outcome = ''
    const refusal = outcomeOf((input) => {
      outcome = run(input)
    })(bytes)
    return outcome || refusal
  }
}
