import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hex } from '../../../testkit/hex.ts'
import { property } from '../../../testkit/property.ts'
import {
  type Capability,
  decodeMessage,
  encodeOpen,
  encodeRouteRefresh,
  encodeUpdate,
  MESSAGE_TYPES,
  type Message,
  type MessageType,
  notification,
  type Open,
  shutdownText,
} from '../message/index.ts'
import {
  createSession,
  type Direction,
  describeDown,
  type Session,
  type SessionAction,
  type SessionEvent,
  type SessionOptions,
  type State,
  stateOf,
  step,
  type TimerName,
} from './index.ts'

const OURS: SessionOptions = {
  localAsn: 64_512,
  remote: { kind: 'asn', asn: 64_513 },
  identifier: 0xc000_0205,
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: undefined,
  connectRetrySeconds: undefined,
  families: ['ipv4-unicast', 'ipv6-unicast'],
  offersExtendedNextHop: false,
  offersExtendedMessage: false,
  gracefulRestart: undefined,
  role: undefined,
  mustHaveRole: false,
  isPassive: false,
}
const GRACEFUL = { gracefulRestart: { restartTimeSeconds: 120, offersNotificationSupport: true } }
const RESTARTABLE: Capability = {
  kind: 'graceful-restart',
  isRestarting: false,
  hasNotificationSupport: true,
  restartTimeSeconds: 90,
  families: [],
}
const NONE = new Uint8Array(0)

const open = (part: Partial<Open> = {}, more: Capability[] = []): Uint8Array =>
  encodeOpen({
    version: 4,
    myAutonomousSystem: 64_513,
    holdTimeSeconds: 90,
    identifier: 0xc000_0202,
    capabilities: [
      { kind: 'multiprotocol', afi: 1, safi: 1 },
      { kind: 'multiprotocol', afi: 2, safi: 1 },
      { kind: 'route-refresh' },
      { kind: 'four-octet-asn', asn: 64_513 },
      ...more,
    ],
    otherParameters: [],
    ...part,
  })

/** A session with its clock, and what a shell would need to know of it. */
class Subject {
  session: Session
  nowMs = 0

  constructor(options: Partial<SessionOptions> = {}, isRestarting = false) {
    this.session = createSession({ ...OURS, ...options }, isRestarting)
  }

  get state(): State {
    return stateOf(this.session)
  }

  happen(event: SessionEvent): readonly SessionAction[] {
    const { session, actions } = step(this.session, event, this.nowMs)
    this.session = session
    return actions
  }

  hear(type: MessageType, body: Uint8Array, direction: Direction = 'outgoing'): readonly SessionAction[] {
    return this.happen({ kind: 'frame', direction, type, body })
  }

  wait(ms: number): this {
    this.nowMs += ms
    return this
  }
}

const sent = (actions: readonly SessionAction[]): Message[] =>
  actions.flatMap((action) => (action.kind === 'send' ? [decodeMessage(action.bytes)] : []))
const find = <K extends SessionAction['kind']>(actions: readonly SessionAction[], kind: K) =>
  actions.find((action): action is Extract<SessionAction, { kind: K }> => action.kind === kind)
const armed = (actions: readonly SessionAction[], timer: string) =>
  actions.findLast((action) => action.kind === 'arm' && action.timer === timer) as
    | Extract<SessionAction, { kind: 'arm' }>
    | undefined

/** The states of RFC 4271; Active twice: waiting before the next dial, and a passive session that never dials. */
const COLUMNS = ['Idle', 'Connect', 'Active', 'Passive', 'OpenSent', 'OpenConfirm', 'Established'] as const
type Column = (typeof COLUMNS)[number]

function inState(column: Column, options: Partial<SessionOptions> = {}, more: Capability[] = []): Subject {
  const it = new Subject({ ...options, ...(column === 'Passive' ? { isPassive: true } : {}) })
  if (column === 'Idle') return it
  it.happen({ kind: 'start' })
  if (column === 'Active') it.happen({ kind: 'disconnected', direction: 'outgoing', because: 'ECONNREFUSED' })
  if (['OpenSent', 'OpenConfirm', 'Established'].includes(column)) it.happen({ kind: 'connected' })
  if (['OpenConfirm', 'Established'].includes(column)) it.hear('open', open({}, more))
  if (column === 'Established') it.hear('keepalive', NONE)
  assert.equal(it.state, column === 'Passive' ? 'Active' : column)
  return it
}

const frame = (type: MessageType, body: Uint8Array): SessionEvent => ({
  kind: 'frame',
  direction: 'outgoing',
  type,
  body,
})
const timer = (name: TimerName): SessionEvent => ({ kind: 'timer', timer: name })
const cease = (reason: 'administrative-shutdown' | 'administrative-reset') => ({ kind: 'cease', reason }) as const
const badUpdate = encodeUpdate({ withdrawn: hex`ff`, attributes: [], nlri: NONE })

const shutdown: SessionEvent = { kind: 'stop', ending: cease('administrative-shutdown') }
const reset: SessionEvent = { kind: 'reset', ending: cease('administrative-reset') }
const noMarker = notification('message-header-error', 'connection-not-synchronized')
const fault: SessionEvent = { kind: 'fault', direction: 'outgoing', notification: noMarker }
const lost: SessionEvent = { kind: 'disconnected', direction: 'outgoing', because: 'ECONNRESET' }
const lostOther: SessionEvent = { ...lost, direction: 'incoming' }
const strayKeepalive: SessionEvent = { kind: 'frame', direction: 'incoming', type: 'keepalive', body: NONE }
const badOpen = open({ identifier: 0 })
const brokenOpen = hex`04 fc01 005a c0000202 02 02 07`

/**
 * RFC 4271 section 8.2.2. A cell says the next state, then after `+` the messages sent, NOTIFICATIONs as code/subcode.
 * `·` = nothing happens: same state, no action. Where the cell differs from the RFC, docs/rfc-notes.md says why.
 */
// biome-ignore format: a table
const TABLE: readonly [number: string, event: SessionEvent, ...cells: string[]][] = [
  //                                                          Idle         Connect           Active            Passive           OpenSent                  OpenConfirm                Established
  ['1',          { kind: 'start' },                           'Connect',   '·',              '·',              '·',              '·',                      '·',                       '·'],
  ['2',          shutdown,                                    '·',         'Idle',           'Idle',           'Idle',           'Idle +6/2',              'Idle +6/2',               'Idle +6/2'],
  ['8',          reset,                                       '·',         'Connect',        'Connect',        'Active',         'Connect +6/4',           'Connect +6/4',            'Connect +6/4'],
  ['9',          timer('connect-retry'),                      '·',         'Active',         'Connect',        '·',              '·',                      '·',                       '·'],
  ['10',         timer('hold:outgoing'),                      '·',         '·',              '·',              '·',              'Active +4/0',            'Active +4/0',             'Active +4/0'],
  ['11',         timer('keepalive:outgoing'),                 '·',         '·',              '·',              '·',              '·',                      'OpenConfirm +keepalive',  'Established +keepalive'],
  ['16',         { kind: 'connected' },                       '·',         'OpenSent +open', '·',              '·',              '·',                      '·',                       '·'],
  ['17',         { kind: 'offered' },                         'Idle ?6/5', 'OpenSent +open', 'OpenSent +open', 'OpenSent +open', 'OpenSent +open',         'OpenConfirm +open',       'Established ?6/7'],
  ['18',         lost,                                        '·',         'Active',         '·',              '·',              'Active',                 'Active',                  'Active'],
  ['19',         frame('open', open()),                       '·',         '·',              '·',              '·',              'OpenConfirm +keepalive', 'Active +5/2',             'Active +5/3'],
  ['21',         fault,                                       '·',         '·',              '·',              '·',              'Active +1/1',            'Active +1/1',             'Active +1/1'],
  ['22',         frame('open', badOpen),                      '·',         '·',              '·',              '·',              'Active +2/3',            'Active +5/2',             'Active +5/3'],
  ['22',         frame('open', brokenOpen),                   '·',         '·',              '·',              '·',              'Active +2/0',            'Active +5/2',             'Active +5/3'],
  ['24',         frame('notification', hex`02 01 0004`),      '·',         '·',              '·',              '·',              'Active',                 'Active',                  'Active'],
  ['25',         frame('notification', hex`06 02`),           '·',         '·',              '·',              '·',              'Active',                 'Active',                  'Active'],
  ['26',         frame('keepalive', NONE),                    '·',         '·',              '·',              '·',              'Active +5/1',            'Established',             'Established'],
  ['27',         frame('update', hex`0000 0000`),             '·',         '·',              '·',              '·',              'Active +5/1',            'Active +5/2',             'Established'],
  ['28',         frame('update', badUpdate),                  '·',         '·',              '·',              '·',              'Active +5/1',            'Active +5/2',             'Active +3/10'],
  ['28',         frame('update', hex`ffff 0000`),             '·',         '·',              '·',              '·',              'Active +5/1',            'Active +5/2',             'Active +3/1'],
  ['RFC 2918',   frame('route-refresh', hex`0001 00 01`),     '·',         '·',              '·',              '·',              'Active +5/1',            'Active +5/2',             'Established'],
  ['RFC 7313 5', frame('route-refresh', hex`0001 00 01 00`),  '·',         '·',              '·',              '·',              'Active +5/1',            'Active +5/2',             'Active +7/1'],
  ['RFC 9687',   timer('send-hold:outgoing'),                 '·',         '·',              '·',              '·',              '·',                      '·',                       'Active'],
  ['RFC 5882',   { kind: 'bfd-down' },                        '·',         '·',              '·',              '·',              '·',                      '·',                       'Active +6/10'],
  ['stray',      lostOther,                                   '·',         '·',              '·',              '·',              '·',                      '·',                       '·'],
  ['stray',      strayKeepalive,                              '·',         '·',              '·',              '·',              '·',                      '·',                       '·'],
]

/** Beyond every deadline: hold 90 s, send hold 480 s. */
const LONG_MS = 500_000
const NEEDS_TIME = ['10', 'RFC 9687']

describe('RFC 4271 section 8.2.2: every state meets every event', () => {
  for (const [number, event, ...cells] of TABLE) {
    assert.equal(cells.length, COLUMNS.length)
    for (const [index, cell] of cells.entries()) {
      const column = COLUMNS[index]!
      const what = 'type' in event ? `${event.kind} ${event.type}` : event.kind
      test(`${column}, event ${number} ${what}: ${cell}`, () => {
        const it = inState(column)
        if (NEEDS_TIME.includes(number)) it.wait(LONG_MS)
        const before = it.session
        const actions = it.happen(event)
        if (cell === '·') {
          assert.deepEqual(actions, [])
          assert.deepEqual(it.session, before)
          return
        }
        const [next, message] = cell.split(' ')
        assert.equal(it.state, next)
        assert.deepEqual(summary(actions), message ?? '')
        if (next === 'Idle' || next === 'Active') assert.equal(hasOpenConnection(it.session), false)
      })
    }
  }
})

function summary(actions: readonly SessionAction[]): string {
  const refused = find(actions, 'refuse')
  const messages = refused === undefined ? sent(actions) : [decodeMessage(refused.bytes)]
  const words = messages.map((message) =>
    message.kind === 'notification' ? `${message.notification.code}/${message.notification.subcode}` : message.kind,
  )
  return words.length === 0 ? '' : (refused === undefined ? '+' : '?') + words.join(',')
}

function hasOpenConnection(session: Session): boolean {
  return session.outgoing !== undefined || session.incoming !== undefined
}

describe('a session, from beginning to end', () => {
  test('active: dial, OPEN, KEEPALIVE, Established', () => {
    const it = new Subject()
    assert.deepEqual(
      it.happen({ kind: 'start' }).map((action) => action.kind),
      ['dial', 'arm'],
    )
    const opened = it.happen({ kind: 'connected' })
    assert.equal(sent(opened)[0]?.kind, 'open')
    assert.ok(opened.some((action) => action.kind === 'disarm' && action.timer === 'connect-retry'))
    const confirmed = it.hear('open', open())
    assert.deepEqual(armed(confirmed, 'hold:outgoing')?.afterMs, 90_000)
    assert.deepEqual(armed(confirmed, 'keepalive:outgoing'), {
      kind: 'arm',
      timer: 'keepalive:outgoing',
      afterMs: 30_000,
      jitter: 0.25,
    })
    const established = find(it.hear('keepalive', NONE), 'established')
    assert.deepEqual([established?.direction, established?.negotiated.remoteAsn], ['outgoing', 64_513])
  })
  test('passive: never dials, takes what is offered, and waits again after its end', () => {
    const it = new Subject({ isPassive: true })
    assert.deepEqual(it.happen({ kind: 'start' }), [])
    assert.equal(it.state, 'Active')
    assert.deepEqual(
      it.happen({ kind: 'offered' }).map((action) => action.kind),
      ['accept', 'send', 'arm'],
    )
    it.hear('open', open(), 'incoming')
    assert.equal(find(it.hear('keepalive', NONE, 'incoming'), 'established')?.direction, 'incoming')
    const ended = it.happen({ kind: 'disconnected', direction: 'incoming', because: 'EOF' })
    assert.equal(armed(ended, 'connect-retry'), undefined)
    assert.equal(it.state, 'Active')
  })
  test('the hold timer looks at the deadline that messages have moved', () => {
    const it = inState('Established')
    it.wait(60_000).hear('keepalive', NONE)
    assert.equal(armed(it.wait(30_000).happen(timer('hold:outgoing')), 'hold:outgoing')?.afterMs, 60_000)
    it.wait(59_999).hear('update', hex`0000 0000`)
    assert.equal(armed(it.wait(1).happen(timer('hold:outgoing')), 'hold:outgoing')?.afterMs, 89_999)
    const actions = it.wait(89_999).happen(timer('hold:outgoing'))
    assert.deepEqual(find(actions, 'down')?.because, { kind: 'hold-timer-expired' })
  })
  test('hold time 0: no keepalives, no supervision, but the OPEN must be confirmed', () => {
    const it = inState('OpenSent')
    const confirmed = it.hear('open', open({ holdTimeSeconds: 0 }))
    assert.equal(armed(confirmed, 'keepalive:outgoing'), undefined)
    assert.equal(armed(confirmed, 'hold:outgoing')?.afterMs, 10_000)
    const established = it.hear('keepalive', NONE)
    assert.ok(established.some((action) => action.kind === 'disarm' && action.timer === 'hold:outgoing'))
    it.wait(1e9)
    assert.deepEqual(it.happen(timer('hold:outgoing')), [])
    assert.equal(it.state, 'Established')
  })
  test('RFC 9687: a peer that takes nothing for eight minutes is cut off without a word', () => {
    const it = inState('Established')
    for (let minute = 0; minute < 20; minute++) it.wait(60_000).happen({ kind: 'flushed', direction: 'outgoing' })
    assert.equal(armed(it.happen(timer('send-hold:outgoing')), 'send-hold:outgoing')?.afterMs, 480_000)
    const actions = it.wait(480_000).happen(timer('send-hold:outgoing'))
    assert.deepEqual(find(actions, 'close'), { kind: 'close', direction: 'outgoing', isAbortive: true })
    assert.deepEqual(sent(actions), [])
  })
  test('a message longer than agreed is refused with its length', () => {
    const it = inState('Established')
    const [answer] = sent(it.hear('update', new Uint8Array(4078)))
    assert.deepEqual(answer?.kind === 'notification' && answer.notification, { code: 1, subcode: 2, data: hex`1001` })
  })
  test('a peer may ask for a family again; for others, and for marks, nothing happens', () => {
    const refresh = (afi: number, subtype: number) =>
      inState('Established').hear('route-refresh', encodeRouteRefresh({ afi, safi: 1, subtype }))
    assert.deepEqual(refresh(2, 0), [{ kind: 'refresh', family: 'ipv6-unicast' }])
    assert.deepEqual([refresh(25, 0), refresh(1, 1), refresh(1, 2), refresh(1, 9)], [[], [], [], []])
  })
  test('an UPDATE is judged and reported, End-of-RIB told apart', () => {
    const update = find(inState('Established').hear('update', hex`0000 0000`), 'update')
    assert.deepEqual([update?.judgement.kind, update?.endOfRib], ['accept', 'ipv4-unicast'])
    assert.equal(find(inState('Established').hear('update', hex`0004 18c00002 0000`), 'update')?.endOfRib, undefined)
  })
})

describe('ending a session', () => {
  const ending = (it: Subject, event: SessionEvent) => {
    const actions = it.happen(event)
    const [message] = sent(actions)
    return {
      down: find(actions, 'down'),
      notification: message?.kind === 'notification' ? message.notification : undefined,
    }
  }
  test('shutdown with words (RFC 9003)', () => {
    const it = inState('Established')
    const { down, notification } = ending(it, {
      kind: 'stop',
      ending: { ...cease('administrative-shutdown'), text: 'drained: köln' },
    })
    assert.equal(shutdownText(notification!), 'drained: köln')
    assert.deepEqual([down?.wasEstablished, down?.peerKeepsRoutes], [true, false])
    assert.equal(describeDown(down!.because), 'ended by us: administrative shutdown "drained: köln"')
  })
  test('towards a peer with the N bit "for good" takes a hard reset (RFC 8538)', () => {
    const it = inState('Established', GRACEFUL, [RESTARTABLE])
    const { down, notification } = ending(it, { kind: 'stop', ending: cease('administrative-shutdown') })
    assert.deepEqual(notification, { code: 6, subcode: 9, data: hex`0602` })
    assert.equal(down?.peerKeepsRoutes, false)
  })
  test('a reset is no end for good, and no hard reset', () => {
    const it = inState('Established', GRACEFUL, [RESTARTABLE])
    const { down, notification } = ending(it, reset)
    assert.deepEqual(notification, { code: 6, subcode: 4, data: NONE })
    assert.equal(down?.peerKeepsRoutes, true)
  })
  test('what the peer said is kept, whatever becomes of the buffer it came in', () => {
    const body = hex`06 02`
    const down = find(inState('Established').hear('notification', body), 'down')
    body.fill(0)
    assert.equal(describeDown(down!.because), 'the peer ended it: cease: administrative shutdown')
  })
  test('a graceful restart says nothing at all, and the peer keeps our routes (RFC 4724)', () => {
    const it = inState('Established', GRACEFUL, [RESTARTABLE])
    const { down, notification } = ending(it, { kind: 'stop', ending: { kind: 'graceful-restart' } })
    assert.equal(notification, undefined)
    assert.equal(down?.peerKeepsRoutes, true)
  })
  for (const [what, options, more, event, keeps] of [
    [
      'a lost connection',
      GRACEFUL,
      [RESTARTABLE],
      { kind: 'disconnected', direction: 'outgoing', because: 'ECONNRESET' },
      true,
    ],
    [
      'a lost connection, not offered by the peer',
      GRACEFUL,
      [],
      { kind: 'disconnected', direction: 'outgoing', because: 'ECONNRESET' },
      false,
    ],
    [
      'a lost connection, not offered by us',
      {},
      [RESTARTABLE],
      { kind: 'disconnected', direction: 'outgoing', because: 'ECONNRESET' },
      false,
    ],
    ['Cease to a peer with the N bit', GRACEFUL, [RESTARTABLE], frame('notification', hex`06 04`), true],
    [
      'Cease to a peer without',
      GRACEFUL,
      [{ ...RESTARTABLE, hasNotificationSupport: false }],
      frame('notification', hex`06 04`),
      false,
    ],
    ['a hard reset', GRACEFUL, [RESTARTABLE], frame('notification', hex`06 09 06 02`), false],
  ] as const) {
    test(`${what}: the peer ${keeps ? 'keeps' : 'forgets'} our routes`, () => {
      const it = inState('Established', options, [...more])
      assert.equal(find(it.happen(event as SessionEvent), 'down')?.peerKeepsRoutes, keeps)
    })
  }
  test('the R bit is set after a restart, until a session stands', () => {
    const it = new Subject(GRACEFUL, true)
    const bit = (actions: readonly SessionAction[]) => {
      const [message] = sent(actions)
      const capabilities = message?.kind === 'open' ? message.open.capabilities : []
      return capabilities.find((each) => each.kind === 'graceful-restart')?.isRestarting
    }
    it.happen({ kind: 'start' })
    assert.equal(bit(it.happen({ kind: 'connected' })), true)
    it.happen({ kind: 'disconnected', direction: 'outgoing', because: 'EOF' })
    it.happen(timer('connect-retry'))
    assert.equal(bit(it.happen({ kind: 'connected' })), true, 'no session yet')
    it.hear('open', open({}, [RESTARTABLE]))
    it.hear('keepalive', NONE)
    it.happen({ kind: 'disconnected', direction: 'outgoing', because: 'EOF' })
    it.happen(timer('connect-retry'))
    assert.equal(bit(it.happen({ kind: 'connected' })), false)
  })
})

describe('trying again', () => {
  const fail = (it: Subject) => it.happen({ kind: 'disconnected', direction: 'outgoing', because: 'ECONNREFUSED' })
  test('0, 1, 2, 4, 8, 16, 30, 30 seconds, with a quarter of jitter', () => {
    const it = inState('Connect')
    const waits: number[] = []
    for (let attempt = 0; attempt < 8; attempt++) {
      const arm = armed(fail(it), 'connect-retry')
      waits.push(arm!.afterMs / 1000)
      assert.equal(arm?.jitter, 0.25)
      it.happen(timer('connect-retry'))
    }
    assert.deepEqual(waits, [0, 1, 2, 4, 8, 16, 30, 30])
  })
  test('connectTime is a fixed interval', () => {
    const it = inState('Connect', { connectRetrySeconds: 7 })
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.equal(armed(fail(it), 'connect-retry')?.afterMs, 7000)
      it.happen(timer('connect-retry'))
    }
  })
  test('a session that lasted a minute starts the count anew, one that flaps does not', () => {
    const flap = (lastsMs: number) => {
      const it = inState('Connect')
      for (let round = 0; round < 3; round++) {
        it.happen({ kind: 'connected' })
        it.hear('open', open())
        it.hear('keepalive', NONE)
        const arm = armed(fail(it.wait(lastsMs)), 'connect-retry')
        it.happen(timer('connect-retry'))
        if (round === 2) return arm?.afterMs
      }
      return undefined
    }
    assert.equal(flap(60_000), 0)
    assert.equal(flap(1000), 2000)
  })
})

describe('RFC 4271 section 6.8: two connections', () => {
  /** Both connections are in OpenSent. */
  function both(options: Partial<SessionOptions> = {}): Subject {
    const it = inState('OpenSent', options)
    it.happen({ kind: 'offered' })
    return it
  }
  for (const [whose, theirs, first, kept] of [
    ['ours', 0xc000_0202, 'outgoing', 'outgoing'],
    ['ours', 0xc000_0202, 'incoming', 'outgoing'],
    ['theirs', 0xc000_0209, 'outgoing', 'incoming'],
    ['theirs', 0xc000_0209, 'incoming', 'incoming'],
    ['equal, the higher ASN is theirs (RFC 6286)', OURS.identifier, 'outgoing', 'incoming'],
  ] as const) {
    test(`the higher identifier is ${whose}, the first OPEN came on ${first}: ${kept} is kept`, () => {
      const it = both()
      const second = first === 'outgoing' ? 'incoming' : 'outgoing'
      it.hear('open', open({ identifier: theirs }), first)
      const actions = it.hear('open', open({ identifier: theirs }), second)
      assert.equal(find(actions, 'close')?.direction, kept === 'outgoing' ? 'incoming' : 'outgoing')
      assert.ok(summary(actions).startsWith('+6/7'))
      assert.equal(it.session[kept]?.phase, 'OpenConfirm')
      assert.equal(find(actions, 'down'), undefined, 'the session goes on')
      assert.equal(find(it.hear('keepalive', NONE, kept), 'established')?.direction, kept)
    })
  }
  test('the loser may vanish, the session goes on; when the last one goes, it is down', () => {
    const it = both()
    assert.equal(find(it.happen({ kind: 'disconnected', direction: 'outgoing', because: 'EOF' }), 'down'), undefined)
    assert.equal(it.state, 'OpenSent')
    assert.ok(find(it.happen({ kind: 'disconnected', direction: 'incoming', because: 'EOF' }), 'down'))
    assert.equal(it.state, 'Active')
  })
  test('a dial that is still under way ends when the other connection is Established', () => {
    const it = inState('Connect')
    it.happen({ kind: 'offered' })
    it.hear('open', open(), 'incoming')
    const actions = it.hear('keepalive', NONE, 'incoming')
    assert.deepEqual(find(actions, 'close'), { kind: 'close', direction: 'outgoing', isAbortive: false })
    assert.equal(it.session.outgoing, undefined)
  })
  test('a third connection is refused', () => {
    assert.equal(summary(both().happen({ kind: 'offered' })), '?6/5')
  })
  test('RFC 4724 section 5: a peer with graceful restart comes back before its old connection is dead', () => {
    const it = inState('Established', GRACEFUL, [RESTARTABLE])
    const actions = it.happen({ kind: 'offered' })
    assert.deepEqual(
      actions.filter(({ kind }) => kind !== 'disarm').map(({ kind }) => kind),
      ['close', 'down', 'accept', 'send', 'arm'],
    )
    assert.deepEqual(find(actions, 'down'), {
      kind: 'down',
      wasEstablished: true,
      because: { kind: 'replaced-by-new-connection' },
      peerKeepsRoutes: true,
    })
    it.hear('open', open({}, [RESTARTABLE]), 'incoming')
    it.hear('keepalive', NONE, 'incoming')
    assert.equal(it.state, 'Established')
  })
})

describe('new options', () => {
  const configure = (it: Subject, part: Partial<SessionOptions>) =>
    it.happen({ kind: 'configure', options: { ...OURS, ...part } })
  test('what a session depends on resets it: Cease, other configuration change', () => {
    const it = inState('Established')
    const actions = configure(it, { localAsn: 64_999 })
    assert.equal(summary(actions), '+6/6')
    assert.deepEqual(find(actions, 'down')?.because, { kind: 'reconfigured', options: ['localAsn'] })
    assert.equal(it.state, 'Connect')
  })
  test('a new keepalive time is taken over while the session runs', () => {
    const it = inState('Established')
    assert.equal(armed(configure(it, { keepaliveTimeSeconds: 5 }), 'keepalive:outgoing')?.afterMs, 5000)
    assert.equal(it.state, 'Established')
    assert.equal(armed(it.happen(timer('keepalive:outgoing')), 'keepalive:outgoing')?.afterMs, 5000)
  })
  test('the same options again are nothing', () => {
    assert.deepEqual(configure(inState('Established'), {}), [])
  })
  test('from passive to active: it dials; the other way: the dial ends', () => {
    const it = inState('Passive')
    assert.equal(configure(it, { isPassive: false })[0]?.kind, 'dial')
    assert.equal(configure(it, { isPassive: true })[0]?.kind, 'close')
    assert.equal(it.state, 'Active')
  })
  test('a stopped session stays stopped', () => {
    const it = new Subject()
    assert.deepEqual(configure(it, { localAsn: 64_999 }), [])
    assert.equal(it.state, 'Idle')
  })
})

const anyDirection = fc.constantFrom<Direction>('outgoing', 'incoming')
const anyType = fc.constantFrom(...(Object.keys(MESSAGE_TYPES) as MessageType[]))
const anyTimer = fc.constantFrom<TimerName>(
  'connect-retry',
  'hold:outgoing',
  'hold:incoming',
  'keepalive:outgoing',
  'keepalive:incoming',
  'send-hold:outgoing',
  'send-hold:incoming',
)
/** What a peer in its right mind says, so that sessions get far enough to be disturbed. */
const goodFrame = fc.constantFrom<[MessageType, Uint8Array]>(
  ['open', open()],
  ['open', open({ identifier: 0xffff_ffff })],
  ['open', open({ holdTimeSeconds: 0 }, [RESTARTABLE])],
  ['keepalive', NONE],
  ['update', hex`0000 0000`],
  ['route-refresh', hex`0001 00 01`],
)
const anyFrame = fc.oneof(
  { weight: 9, arbitrary: goodFrame },
  { weight: 1, arbitrary: fc.tuple(anyType, fc.uint8Array({ maxLength: 60 })).map(asTheStreamLetsPass) },
)
const anyEvent: fc.Arbitrary<SessionEvent> = fc.oneof(
  {
    weight: 16,
    arbitrary: fc
      .tuple(anyFrame, anyDirection)
      .map(([[type, body], direction]) => ({ kind: 'frame' as const, direction, type, body })),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom<SessionEvent>({ kind: 'start' }, { kind: 'connected' }, { kind: 'offered' }),
  },
  { weight: 5, arbitrary: anyTimer.map(timer) },
  anyDirection.map((direction) => ({ kind: 'disconnected' as const, direction, because: 'EOF' })),
  anyDirection.map((direction) => ({ kind: 'flushed' as const, direction })),
  fc.constantFrom<SessionEvent>({ kind: 'stop', ending: { kind: 'graceful-restart' } }, reset, { kind: 'bfd-down' }),
  fc.boolean().map((isPassive) => ({ kind: 'configure' as const, options: { ...OURS, ...GRACEFUL, isPassive } })),
)

/** How a session comes up: left to chance, it hardly ever would. */
const HANDSHAKE: readonly SessionEvent[] = [
  { kind: 'start' },
  timer('connect-retry'),
  { kind: 'connected' },
  frame('open', open({}, [RESTARTABLE])),
  frame('keepalive', NONE),
]
const anyPhrase = fc.oneof(
  { weight: 5, arbitrary: anyEvent.map((event) => [event]) },
  { weight: 1, arbitrary: fc.constant(HANDSHAKE) },
)

/** The stream sees to the least lengths; what it would not let pass, the session need not stand. */
function asTheStreamLetsPass([type, body]: [MessageType, Uint8Array]): [MessageType, Uint8Array] {
  const least: Readonly<Record<MessageType, number>> = {
    notification: 2,
    open: 10,
    update: 4,
    'route-refresh': 4,
    keepalive: 0,
  }
  if (type === 'keepalive') return [type, NONE]
  return [type, body.length >= least[type] ? body : new Uint8Array(least[type])]
}

/** What a shell would see of a session, and what it relies on. */
class Books {
  readonly alive: Set<Direction>
  isEstablished: boolean

  constructor(session: Session) {
    this.alive = new Set(session.outgoing === undefined ? [] : ['outgoing'])
    this.isEstablished = stateOf(session) === 'Established'
  }

  enter(action: SessionAction): void {
    switch (action.kind) {
      case 'dial':
        this.alive.add('outgoing')
        break
      case 'accept':
        this.alive.add('incoming')
        break
      case 'send':
        assert.ok(this.alive.has(action.direction), 'nothing is sent to a connection that is closed')
        decodeMessage(action.bytes)
        break
      case 'close':
        assert.ok(this.alive.delete(action.direction), 'nothing is closed twice')
        break
      case 'arm':
        assert.ok(action.afterMs >= 0 && action.afterMs < 2 ** 31)
        break
      case 'established':
        assert.equal(this.isEstablished, false)
        this.isEstablished = true
        break
      case 'down':
        assert.equal(action.wasEstablished, this.isEstablished)
        assert.ok(describeDown(action.because).length > 0)
        this.isEstablished = false
    }
  }

  compare(session: Session): void {
    const { outgoing, incoming, isStarted, isWaitingToDial } = session
    assert.deepEqual(
      [this.alive.has('outgoing'), this.alive.has('incoming')],
      [outgoing, incoming].map((each) => each !== undefined),
    )
    assert.equal(stateOf(session) === 'Established', this.isEstablished)
    if (!isStarted || isWaitingToDial) assert.equal(hasOpenConnection(session), false)
  }
}

property(
  'whatever happens in whatever order: the session keeps its books',
  [
    fc.constantFrom(...COLUMNS),
    fc.array(fc.tuple(anyPhrase, fc.integer({ min: 0, max: 100_000 })), { size: 'max', maxLength: 60 }),
  ],
  (column, phrases) => {
    const it = inState(column, GRACEFUL, [RESTARTABLE])
    const books = new Books(it.session)
    for (const [phrase, waitMs] of phrases) {
      it.wait(waitMs)
      for (const event of phrase) {
        for (const action of it.happen(event)) books.enter(action)
        if (event.kind === 'disconnected') books.alive.delete(event.direction)
        books.compare(it.session)
      }
    }
  },
  { share: 2 },
)
