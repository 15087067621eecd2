import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { property } from '../../testkit/property.ts'
import {
  type Action,
  type AliveMember,
  BURST_GAPS_MS,
  DEFAULT_OPTIONS,
  type Event,
  initial,
  type Options,
  step,
  type WantedService,
} from './index.ts'

const IP = '192.0.2.10'
const MAC = '02:00:00:00:00:01'
const BRAVO_MAC = '02:00:00:00:00:02'
const CHARLIE_MAC = '02:00:00:00:00:03'
const NODE_OF_MAC = new Map([
  [BRAVO_MAC, 'bravo'],
  [CHARLIE_MAC, 'charlie'],
])
const STRANGER_MAC = '02:00:00:00:00:99'

function service(
  key: string,
  candidates: readonly string[],
  more: Partial<WantedService['layer2'][number]> = {},
): WantedService {
  return { key, layer2: [{ ip: IP, candidates, interfaces: undefined, ...more }] }
}

interface MoreOfMembers {
  readonly interfaces?: readonly string[]
  readonly healed?: readonly string[]
  readonly silent?: readonly string[]
  readonly isCatchingUp?: boolean
  readonly mayBeBuried?: boolean
}

/** Node alpha under test: events go in, what they lead to is read off. Timers come exactly when they were armed. */
class Alpha {
  now = 0
  actions: Action[] = []
  /** How many actions each step led to. */
  readonly stepSizes: number[] = []
  readonly state
  #armedAt: number | undefined

  constructor(options: Partial<Options> = {}) {
    this.state = initial({ ...DEFAULT_OPTIONS, node: 'alpha', ...options })
  }

  /** Settled, with bravo and charlie alive and two interfaces. */
  static settled(options: Partial<Options> = {}): Alpha {
    const alpha = new Alpha(options)
    alpha.interfaces({ eth0: MAC, eth1: '02:00:00:00:01:01' })
    alpha.members(['bravo', 'charlie'])
    alpha.actions = []
    return alpha
  }

  step(event: Event): void {
    const actions = step(this.state, event, this.now)
    this.stepSizes.push(actions.filter(({ kind }) => kind !== 'arm').length)
    for (const action of actions) {
      if (action.kind === 'arm') this.#armedAt = action.at
      else this.actions.push(action)
    }
  }

  desired(...services: readonly WantedService[]): void {
    this.step({ kind: 'desired', isComplete: false, services })
  }

  /** Bravo and the others have eth0 and eth1, unless said otherwise. */
  members(names: readonly string[], more: MoreOfMembers = {}): void {
    const { interfaces = ['eth0', 'eth1'], healed = [], isCatchingUp = false, mayBeBuried = false } = more
    const silent = new Set(more.silent ?? [])
    const alive = new Map<string, AliveMember>(names.map((name) => [name, { interfaces }]))
    const members = { isSettled: true, alive, nodeOfMac: NODE_OF_MAC, silent, healed, isCatchingUp, mayBeBuried }
    this.step({ kind: 'members', members })
  }

  interfaces(usable: Readonly<Record<string, string>>): void {
    this.step({ kind: 'interfaces', usable: new Map(Object.entries(usable)) })
  }

  claim(mac: string, more: { interface?: string; ip?: string; isProbe?: boolean } = {}): void {
    this.step({ kind: 'claim', ip: IP, interface: 'eth0', mac, ...more })
  }

  advance(ms: number): void {
    const end = this.now + ms
    while (this.#armedAt !== undefined && this.#armedAt <= end) {
      this.now = Math.max(this.now, this.#armedAt)
      this.#armedAt = undefined
      this.step({ kind: 'timer' })
    }
    this.now = end
  }

  /** What happened since the last call, in short words; announcements are left out. */
  happened(): string[] {
    return this.actions.splice(0).flatMap((action) => {
      switch (action.kind) {
        case 'own':
          return [`own ${action.ip} on ${action.interfaces.join()}`]
        case 'disown':
          return [`disown ${action.ip}`]
        case 'ownership':
          return [`${action.key}: ${action.owned ? 'owned' : 'not owned'}, ${action.reason.kind}`]
        case 'conflict':
          return [`conflict with ${action.mac} while ${action.phase}`]
        case 'conflict-over':
          return ['conflict over']
        case 'watch':
          return [`watch ${action.ip} on ${action.interfaces.join()}`]
        case 'released':
          return ['released']
        default:
          return []
      }
    })
  }

  /** Questions since the last call, as `interface`. */
  probed(): string[] {
    const names = this.actions.flatMap((action) => (action.kind === 'probe' ? [action.interface] : []))
    this.actions = this.actions.filter(({ kind }) => kind !== 'probe')
    return names
  }

  /** Announcements since the last call, as `interface`. */
  announced(): string[] {
    const names = this.actions.flatMap((action) => (action.kind === 'announce' ? [action.interface] : []))
    this.actions = this.actions.filter(({ kind }) => kind !== 'announce')
    return names
  }
}

describe('who owns an address', () => {
  const alone = ['alpha']
  const first = ['alpha', 'bravo']
  const second = ['bravo', 'alpha']
  const rows: readonly [name: string, wanted: WantedService, alive: string[], outcome: string[]][] = [
    ['the first candidate', service('a/s', first), ['bravo'], [`own ${IP} on eth0,eth1`, 'a/s: owned, elected']],
    ['not the second while the first lives', service('a/s', second), ['bravo'], ['a/s: not owned, lost-election']],
    [
      'the second when the first is dead',
      service('a/s', second),
      [],
      [`own ${IP} on eth0,eth1`, 'a/s: owned, elected'],
    ],
    ['nobody else who is alive', service('a/s', ['bravo']), ['bravo'], ['a/s: not owned, not-a-candidate']],
    ['a node that is no candidate never', service('a/s', ['bravo']), [], ['a/s: not owned, not-a-candidate']],
    ['nobody without candidates', service('a/s', []), [], ['a/s: not owned, not-a-candidate']],
    [
      'on the interfaces wanted that exist',
      service('a/s', alone, { interfaces: ['eth9', 'eth1'] }),
      [],
      [`own ${IP} on eth1`, 'a/s: owned, elected'],
    ],
    [
      'not on interfaces that do not exist',
      service('a/s', alone, { interfaces: ['eth9'] }),
      [],
      ['a/s: not owned, no-usable-interface'],
    ],
  ]
  for (const [name, wanted, alive, outcome] of rows) {
    test(name, () => {
      const alpha = Alpha.settled()
      alpha.members(alive)
      alpha.desired(wanted)
      assert.deepEqual(alpha.happened(), outcome)
    })
  }

  test('a node without a usable interface is passed over', () => {
    const alpha = Alpha.settled()
    alpha.members(['bravo'], { interfaces: ['eth7'] })
    alpha.desired(service('a/s', ['bravo', 'alpha'], { interfaces: ['eth0'] }))
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth0`, 'a/s: owned, elected'])
  })

  test('nobody claims anything before membership has settled', () => {
    const alpha = new Alpha()
    alpha.interfaces({ eth0: MAC })
    alpha.desired(service('a/s', ['alpha']))
    assert.deepEqual(alpha.happened(), ['a/s: not owned, waiting-for-members'])
    alpha.members([])
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth0`, 'a/s: owned, elected'])
  })

  test('without membership every candidate counts as alive', () => {
    const alpha = Alpha.settled()
    alpha.step({ kind: 'members', members: { isSettled: true, alive: undefined, healed: [] } })
    alpha.desired(service('a/s', ['bravo', 'alpha']))
    assert.deepEqual(alpha.happened(), ['a/s: not owned, lost-election'])
  })
})

describe('Services that share an address', () => {
  test('it is held while any wants it, and each is told', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/one', ['alpha']), service('a/two', ['alpha']))
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth0,eth1`, 'a/one: owned, elected', 'a/two: owned, elected'])
    alpha.desired({ key: 'a/one', layer2: [] })
    assert.deepEqual(alpha.happened(), [])
    alpha.desired({ key: 'a/two', layer2: [] })
    assert.deepEqual(alpha.happened(), [`disown ${IP}`])
  })

  test('their interfaces add up', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/one', ['alpha'], { interfaces: ['eth0'] }))
    alpha.happened()
    alpha.desired(service('a/two', ['alpha'], { interfaces: ['eth1'] }))
    assert.equal(alpha.happened()[0], `own ${IP} on eth0,eth1`)
    alpha.desired({ key: 'a/one', layer2: [] })
    assert.equal(alpha.happened()[0], `own ${IP} on eth1`)
  })

  test('should their candidates differ, all nodes follow the first key', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('b/later', ['alpha', 'bravo']), service('a/first', ['bravo', 'alpha']))
    assert.deepEqual(alpha.happened().at(-1), 'a/first: not owned, lost-election')
  })
})

describe('desired state', () => {
  test('a complete message withdraws what it does not mention', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/one', ['alpha']), service('a/two', ['alpha'], { ip: '192.0.2.11' }))
    alpha.happened()
    alpha.step({ kind: 'desired', isComplete: true, services: [service('a/two', ['alpha'], { ip: '192.0.2.11' })] })
    assert.deepEqual(alpha.happened(), [`disown ${IP}`])
  })

  test('a hundred repetitions lead to nothing: no burst, no report', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/s', ['alpha', 'bravo']))
    alpha.advance(6000)
    alpha.actions = []
    for (let at = 0; at < 100; at++) alpha.desired(service('a/s', ['alpha', at % 2 === 0 ? 'bravo' : 'charlie']))
    alpha.advance(60_000)
    assert.deepEqual(alpha.actions, [])
  })

  test('a Service that gives an address up and takes it again is told again', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/one', ['alpha']), service('a/two', ['alpha']))
    alpha.desired({ key: 'a/one', layer2: [] })
    alpha.happened()
    alpha.desired(service('a/one', ['alpha']))
    assert.deepEqual(alpha.happened(), ['a/one: owned, elected'])
  })

  test('an address that a Service gives up for another is withdrawn at once', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/s', ['alpha']))
    alpha.happened()
    alpha.desired(service('a/s', ['alpha'], { ip: '192.0.2.77' }))
    assert.deepEqual(alpha.happened().toSorted(), [
      'a/s: owned, elected',
      `disown ${IP}`,
      'own 192.0.2.77 on eth0,eth1',
    ])
  })
})

describe('telling the neighbours', () => {
  test('at once, then at growing gaps until five seconds have passed, then not any more', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/s', ['alpha'], { interfaces: ['eth0'] }))
    const times: number[] = []
    for (let at = 0; at <= 60_000; at += 50) {
      for (const _ of alpha.announced()) times.push(alpha.now)
      alpha.advance(50)
    }
    assert.deepEqual(times, [0, 100, 300, 700, 1500, 3000, 5000])
  })

  test('then slowly for ever, if so wanted', () => {
    const alpha = Alpha.settled({ refreshIntervalMs: 10_000 })
    alpha.desired(service('a/s', ['alpha'], { interfaces: ['eth0'] }))
    alpha.advance(5000)
    alpha.announced()
    alpha.advance(30_000)
    assert.equal(alpha.announced().length, 3)
  })

  test('an address withdrawn is not announced any more', () => {
    const alpha = Alpha.settled({ refreshIntervalMs: 1000 })
    alpha.desired(service('a/s', ['alpha']))
    alpha.desired({ key: 'a/s', layer2: [] })
    alpha.announced()
    alpha.advance(60_000)
    assert.deepEqual(alpha.announced(), [])
  })

  test('an interface that is gone is not announced on any more', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/s', ['alpha']))
    alpha.interfaces({ eth0: MAC })
    alpha.announced()
    alpha.advance(60_000)
    assert.deepEqual(new Set(alpha.announced()), new Set(['eth0']))
  })

  const reasons: readonly [name: string, cause: (alpha: Alpha) => void, announced: string[]][] = [
    ['a new interface', (alpha) => alpha.interfaces({ eth0: MAC, eth1: '02:00:00:00:01:01', eth2: MAC }), ['eth2']],
    ['a changed MAC', (alpha) => alpha.interfaces({ eth0: '02:00:00:00:00:55', eth1: '02:00:00:00:01:01' }), ['eth0']],
    ['a stranger claiming it', (alpha) => alpha.claim(STRANGER_MAC), ['eth0']],
    ['a member claiming it', (alpha) => alpha.claim(BRAVO_MAC), ['eth0']],
    ['a partition healed', (alpha) => alpha.members(['bravo', 'charlie'], { healed: ['bravo'] }), ['eth0', 'eth1']],
    ['a healed node that is no candidate', (alpha) => alpha.members(['bravo', 'charlie'], { healed: ['charlie'] }), []],
    ['a death elsewhere', (alpha) => alpha.members(['bravo']), []],
    ['a newcomer', (alpha) => alpha.members(['bravo', 'charlie', 'delta']), []],
    ['the same interfaces again', (alpha) => alpha.interfaces({ eth0: MAC, eth1: '02:00:00:00:01:01' }), []],
    ['a claim where we do not answer', (alpha) => alpha.claim(STRANGER_MAC, { interface: 'eth7' }), []],
    ['a claim for what we do not hold', (alpha) => alpha.claim(STRANGER_MAC, { ip: '192.0.2.99' }), []],
  ]
  for (const [name, cause, announced] of reasons) {
    test(`${name}: ${announced.length === 0 ? 'nothing to tell' : `told on ${announced.join(' and ')}`}`, () => {
      const alpha = Alpha.settled()
      alpha.desired(service('a/s', ['alpha', 'bravo']))
      alpha.advance(6000)
      alpha.announced()
      cause(alpha)
      assert.deepEqual(alpha.announced(), announced)
    })
  }

  test('a thousand takeovers are paced, first words before repetitions', () => {
    const alpha = Alpha.settled({ roundsPerTick: 10 })
    const services = Array.from({ length: 1000 }, (_, at) =>
      service(`a/${at}`, ['alpha'], { ip: `10.0.${at >> 8}.${at & 255}`, interfaces: ['eth0'] }),
    )
    alpha.desired(...services)
    const told = new Set<string>()
    for (let tick = 0; tick < 100; tick++) {
      const round = alpha.actions.flatMap((action) => (action.kind === 'announce' ? [action.ip] : []))
      assert.equal(round.length, 10, `tick ${tick}`)
      for (const ip of round) told.add(ip)
      alpha.actions = []
      alpha.advance(10)
    }
    assert.equal(told.size, 1000, 'everybody was told once before anybody twice')
  })
})

describe('handing over', () => {
  function losing(): Alpha {
    const alpha = Alpha.settled()
    alpha.members(['charlie'])
    alpha.desired(service('a/s', ['bravo', 'alpha']))
    alpha.advance(200)
    alpha.actions = []
    alpha.members(['bravo', 'charlie'])
    assert.deepEqual(alpha.happened(), ['a/s: owned, handing-over'])
    return alpha
  }

  test('the loser goes on answering, silently, until its successor has announced', () => {
    const alpha = losing()
    alpha.advance(500)
    assert.deepEqual(alpha.announced(), [])
    assert.deepEqual(alpha.happened(), [])
    alpha.claim(BRAVO_MAC)
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, 'a/s: not owned, lost-election'])
  })

  test('or until it has waited long enough; meanwhile it asks the segment, and whoever has it answers', () => {
    const alpha = losing()
    const times: number[] = []
    const start = alpha.now
    for (let at = 0; at < 9999; at++) {
      alpha.advance(1)
      if (alpha.probed().length > 0) times.push(alpha.now - start)
    }
    assert.deepEqual(times, [150, 500, 1000, 2000, 4000, 7000])
    assert.deepEqual(alpha.happened(), [])
    alpha.advance(1)
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, 'a/s: not owned, lost-election'])
  })

  test('a stranger, a member that we outrank, or one that only asks is not the successor', () => {
    const alpha = losing()
    alpha.claim(STRANGER_MAC)
    alpha.claim(CHARLIE_MAC)
    alpha.claim(BRAVO_MAC, { isProbe: true })
    assert.deepEqual(alpha.happened(), [])
  })

  test('leaving shortens it: the process is about to end', () => {
    const alpha = losing()
    alpha.step({ kind: 'leave' })
    alpha.advance(999)
    assert.deepEqual(alpha.happened(), [])
    alpha.advance(1)
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, 'a/s: not owned, lost-election', 'released'])
  })

  test('a successor that dies meanwhile gives it back, and the neighbours are told again', () => {
    const alpha = losing()
    alpha.members(['charlie'])
    assert.deepEqual(alpha.happened(), ['a/s: owned, elected'])
    assert.deepEqual(losingAgain(alpha), ['eth0', 'eth1'])
  })

  function losingAgain(alpha: Alpha): string[] {
    alpha.members(['bravo', 'charlie'])
    alpha.announced()
    alpha.members(['charlie'])
    return alpha.announced()
  }

  test('without a successor it falls silent at once', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/s', ['alpha']))
    alpha.happened()
    alpha.desired(service('a/s', []))
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, 'a/s: not owned, not-a-candidate'])
  })

  test('a lost carrier ends it at once', () => {
    const alpha = losing()
    alpha.interfaces({ eth1: '02:00:00:00:01:01' })
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth1`, 'a/s: owned, handing-over'])
    alpha.interfaces({})
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, 'a/s: not owned, no-usable-interface'])
  })

  test('leaving: everything goes to successors, then released', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('a/s', ['alpha', 'bravo']), service('a/lonely', ['alpha'], { ip: '192.0.2.11' }))
    alpha.actions = []
    alpha.step({ kind: 'leave' })
    assert.deepEqual(alpha.happened(), [
      'a/s: owned, handing-over',
      'disown 192.0.2.11',
      'a/lonely: not owned, leaving',
    ])
    alpha.advance(100)
    alpha.claim(BRAVO_MAC)
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, 'a/s: not owned, leaving', 'released'])
  })

  test('leaving with nothing: released at once, and once only', () => {
    const alpha = Alpha.settled()
    alpha.step({ kind: 'leave' })
    alpha.step({ kind: 'leave' })
    assert.deepEqual(alpha.happened(), ['released'])
  })
})

describe('claims of others (RFC 5227 section 2.4)', () => {
  function holding(): Alpha {
    const alpha = Alpha.settled()
    alpha.desired(service('a/s', ['alpha', 'bravo']))
    alpha.advance(6000)
    alpha.actions = []
    return alpha
  }

  test('a stranger is reported and answered once in ten seconds, never fought', () => {
    const alpha = holding()
    for (let second = 0; second < 21; second++) {
      alpha.claim(STRANGER_MAC)
      alpha.advance(1000)
    }
    assert.equal(alpha.announced().length, 3)
    assert.deepEqual(alpha.happened(), Array(3).fill(`conflict with ${STRANGER_MAC} while announcing`))
  })

  test('it is over when the stranger has not been seen for a minute', () => {
    const alpha = holding()
    alpha.claim(STRANGER_MAC)
    alpha.advance(59_000)
    alpha.claim(STRANGER_MAC)
    alpha.happened()
    alpha.advance(59_999)
    assert.deepEqual(alpha.happened(), [])
    alpha.advance(1)
    assert.deepEqual(alpha.happened(), ['conflict over'])
    alpha.advance(600_000)
    assert.deepEqual(alpha.happened(), [])
  })

  test('it is over for us when the address is ours no more', () => {
    const alpha = holding()
    alpha.claim(STRANGER_MAC)
    alpha.happened()
    alpha.desired({ key: 'a/s', layer2: [] })
    assert.deepEqual(alpha.happened(), ['conflict over', `disown ${IP}`])
  })

  test('a stranger that asks for it gets its answer, and is no conflict', () => {
    const alpha = holding()
    alpha.claim(STRANGER_MAC, { isProbe: true })
    assert.deepEqual(alpha.actions, [])
  })

  test('a member that asks for it is about to give it to us, and hears us announce', () => {
    const alpha = holding()
    alpha.claim(BRAVO_MAC, { isProbe: true })
    assert.deepEqual(alpha.announced(), ['eth0'])
  })

  test('a member that we outrank hears the last word from us, and is no conflict', () => {
    const alpha = holding()
    for (let at = 0; at < 10; at++) {
      alpha.claim(BRAVO_MAC)
      alpha.advance(50)
    }
    assert.equal(alpha.announced().length, 3, 'one burst: at 0, 100 and 300 ms')
    assert.deepEqual(alpha.happened(), [])
  })
})

describe('an address that is new (RFC 5227 section 2.1)', () => {
  /** Everybody agrees on what there is; bravo and charlie live. */
  function synchronized(options: Partial<Options> = {}): Alpha {
    const alpha = Alpha.settled(options)
    alpha.step({ kind: 'desired', isComplete: true, services: [] })
    return alpha
  }
  const ours = service('a/s', ['alpha', 'bravo'], { interfaces: ['eth0'] })
  const theirs = service('a/s', ['bravo', 'alpha'], { interfaces: ['eth0'] })

  test('is asked for three times within 300 ms, then announced', () => {
    const alpha = synchronized()
    alpha.desired(ours)
    assert.deepEqual(alpha.happened(), [`watch ${IP} on eth0`, 'a/s: not owned, probing'])
    const times: number[] = []
    alpha.desired(ours)
    for (; alpha.now < 400; alpha.advance(1)) {
      if (alpha.actions.some(({ kind }) => kind === 'probe')) times.push(alpha.now)
      if (alpha.actions.some(({ kind }) => kind === 'own')) break
      alpha.probed()
    }
    assert.ok(times.length <= 3 && alpha.now >= 260 && alpha.now <= 340, `announced after ${alpha.now} ms`)
    assert.deepEqual(alpha.announced(), ['eth0'])
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth0`, 'a/s: owned, elected'])
  })

  const known: readonly [name: string, make: () => Alpha][] = [
    ['in the first complete list: this process is new, not the address', () => Alpha.settled()],
    ['with the setting off', () => synchronized({ isProbing: false })],
    ['withdrawn a moment ago: a Service between two endpoints', () => backAfter(59_000)],
  ]
  for (const [name, make] of known) {
    test(`not ${name}`, () => {
      const alpha = make()
      if (name.startsWith('in the')) alpha.step({ kind: 'desired', isComplete: true, services: [ours] })
      else alpha.desired(ours)
      assert.deepEqual(alpha.happened(), [`own ${IP} on eth0`, 'a/s: owned, elected'])
    })
  }

  function backAfter(ms: number): Alpha {
    const alpha = synchronized()
    alpha.step({ kind: 'desired', isComplete: true, services: [ours] })
    alpha.desired({ key: 'a/s', layer2: [] })
    alpha.advance(ms)
    alpha.actions = []
    return alpha
  }

  test('withdrawn long ago it is new again', () => {
    const alpha = backAfter(61_000)
    alpha.desired(ours)
    assert.deepEqual(alpha.happened().at(-1), 'a/s: not owned, probing')
  })

  test('a stranger that answers has it: not announced, reported, asked again at gaps that double up to five minutes', () => {
    const alpha = synchronized()
    alpha.desired(ours)
    alpha.happened()
    const start = alpha.now
    const gaps: number[] = []
    for (let foundAt = start; gaps.length < 7; foundAt = alpha.now) {
      alpha.claim(STRANGER_MAC)
      const expected = gaps.length === 0 ? ['a/s: not owned, address-in-use'] : []
      assert.deepEqual(alpha.happened(), [`conflict with ${STRANGER_MAC} while probing`, ...expected])
      while (alpha.probed().length === 0) alpha.advance(500)
      gaps.push(alpha.now - foundAt)
    }
    assert.deepEqual(gaps, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
    alpha.advance(400)
    assert.deepEqual(alpha.happened(), ['conflict over', `own ${IP} on eth0`, 'a/s: owned, elected'])
  })

  test('a stranger that asks at the same time will have it', () => {
    const alpha = synchronized()
    alpha.desired(ours)
    alpha.claim(STRANGER_MAC, { isProbe: true })
    assert.deepEqual(alpha.happened().at(-1), 'a/s: not owned, address-in-use')
  })

  test('a member that asks at the same time will not', () => {
    const alpha = synchronized()
    alpha.desired(ours)
    alpha.claim(BRAVO_MAC, { isProbe: true })
    alpha.advance(400)
    assert.deepEqual(alpha.happened().at(-1), 'a/s: owned, elected')
  })

  test('a member that answers has it still: taken over at once', () => {
    const alpha = synchronized()
    alpha.desired(ours)
    alpha.claim(BRAVO_MAC)
    assert.deepEqual(alpha.happened().at(-1), 'a/s: owned, elected')
  })

  test('its owner dies before it was heard announcing: asked for, as it may be somebody else who had it', () => {
    const alpha = synchronized()
    alpha.desired(theirs)
    assert.deepEqual(alpha.happened(), [`watch ${IP} on eth0`, 'a/s: not owned, lost-election'])
    alpha.members(['charlie'])
    assert.deepEqual(alpha.happened(), ['a/s: not owned, probing'])
  })

  test('its owner dies after it was heard announcing: taken over at once', () => {
    const alpha = synchronized()
    alpha.desired(theirs)
    alpha.claim(BRAVO_MAC)
    alpha.happened()
    alpha.members(['charlie'])
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth0`, 'a/s: owned, elected'])
  })

  test('questions for a thousand are paced', () => {
    const alpha = synchronized({ roundsPerTick: 10 })
    const services = Array.from({ length: 100 }, (_, at) =>
      service(`a/${at}`, ['alpha'], { ip: `10.0.0.${at}`, interfaces: ['eth0'] }),
    )
    alpha.desired(...services)
    for (let tick = 0; tick < 10; tick++) {
      assert.equal(alpha.probed().length, 10, `tick ${tick}`)
      alpha.advance(10)
    }
  })
})

describe('a speaker that resumes from an old state while the API server is away', () => {
  const ours = service('a/s', ['alpha', 'bravo'])

  /** As its state file has it; bravo may have been told since that it comes first. */
  function resumed(): Alpha {
    const alpha = Alpha.settled()
    alpha.step({ kind: 'desired', isComplete: true, isOutdated: true, services: [ours] })
    assert.deepEqual(alpha.happened(), [`watch ${IP} on eth0,eth1`, 'a/s: not owned, probing'])
    return alpha
  }

  test('asks the segment, and answers where nobody does', () => {
    const alpha = resumed()
    alpha.advance(500)
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth0,eth1`, 'a/s: owned, elected'])
  })

  test('does not answer beside the present holder, and takes over when that dies', () => {
    const alpha = resumed()
    alpha.claim(BRAVO_MAC)
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, 'a/s: not owned, lost-election'])
    alpha.advance(5_000)
    assert.deepEqual([alpha.happened(), alpha.announced()], [[], []])
    alpha.members(['charlie'], { silent: ['bravo'] })
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth0,eth1`, 'a/s: owned, elected'])
  })

  test('asks again whether the holder still has it: it may hand over to us', () => {
    const alpha = resumed()
    alpha.claim(BRAVO_MAC)
    alpha.happened()
    alpha.advance(10_000)
    assert.deepEqual(alpha.happened(), [`watch ${IP} on eth0,eth1`, 'a/s: not owned, probing'])
    alpha.claim(BRAVO_MAC)
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, 'a/s: not owned, lost-election'])
    alpha.advance(10_500)
    assert.deepEqual(alpha.happened().at(-1), 'a/s: owned, elected')
  })

  for (const [what, isComplete] of [
    ['everything', true],
    ['the Service', false],
  ] as const) {
    test(`goes by what is desired as soon as it is told of ${what} anew`, () => {
      const alpha = resumed()
      alpha.claim(BRAVO_MAC)
      alpha.happened()
      alpha.step({ kind: 'desired', isComplete, services: [ours] })
      assert.deepEqual(alpha.happened(), [`own ${IP} on eth0,eth1`, 'a/s: owned, elected'])
    })
  }

  test('that is told the truth while it asks need not ask any longer', () => {
    const alpha = resumed()
    alpha.step({ kind: 'desired', isComplete: true, services: [ours] })
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth0,eth1`, 'a/s: owned, elected'])
  })

  test('leaves alone what a stranger has', () => {
    const alpha = resumed()
    alpha.claim(STRANGER_MAC)
    assert.deepEqual(alpha.happened().at(-1), 'a/s: not owned, address-in-use')
  })
})

describe('a rival: a member that outranks us, is not heard by heartbeat, and announces', () => {
  /** Bravo comes first, was alive, and fell silent; alpha has taken over. */
  function afterSilence(): Alpha {
    const alpha = Alpha.settled()
    alpha.desired(service('a/s', ['bravo', 'alpha', 'charlie'], { interfaces: ['eth0'] }))
    alpha.members(['charlie'], { silent: ['bravo'] })
    alpha.advance(6000)
    alpha.actions = []
    return alpha
  }

  test('keeps the address at once, whatever heartbeats say', () => {
    const alpha = afterSilence()
    alpha.claim(BRAVO_MAC)
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, `watch ${IP} on eth0`, 'a/s: not owned, lost-election'])
  })

  test('after five seconds without its claim the segment is asked; nobody answers: taken', () => {
    const alpha = afterSilence()
    alpha.claim(BRAVO_MAC)
    alpha.happened()
    alpha.advance(4999)
    assert.deepEqual(alpha.happened(), [])
    alpha.advance(400)
    assert.deepEqual(alpha.happened(), ['a/s: not owned, probing', `own ${IP} on eth0`, 'a/s: owned, elected'])
  })

  test('it answers: left alone for twice as long', () => {
    const alpha = afterSilence()
    alpha.claim(BRAVO_MAC)
    alpha.advance(5050)
    alpha.claim(BRAVO_MAC)
    alpha.happened()
    alpha.advance(9999)
    assert.deepEqual(alpha.happened(), [])
    alpha.advance(1)
    assert.deepEqual(alpha.happened(), ['a/s: not owned, probing'])
  })

  test('heard again it is the owner like any other', () => {
    const alpha = afterSilence()
    alpha.claim(BRAVO_MAC)
    alpha.members(['bravo', 'charlie'])
    alpha.happened()
    alpha.members(['charlie'], { silent: ['bravo'] })
    assert.deepEqual(alpha.happened(), [`own ${IP} on eth0`, 'a/s: owned, elected'])
  })

  test('one that said goodbye is none: what it sends is of before', () => {
    const alpha = afterSilence()
    alpha.members(['charlie'])
    alpha.claim(BRAVO_MAC)
    assert.deepEqual(alpha.happened(), [])
  })
})

describe('a process that stood still', () => {
  test('announces nothing while it reads what has waited, then has the last word on what is still its own', () => {
    const alpha = Alpha.settled({ refreshIntervalMs: 1000 })
    alpha.desired(service('a/s', ['alpha', 'bravo'], { interfaces: ['eth0'] }))
    alpha.advance(6000)
    alpha.actions = []
    alpha.members(['bravo', 'charlie'], { isCatchingUp: true })
    alpha.advance(5000)
    assert.deepEqual(alpha.actions, [])
    alpha.members(['bravo', 'charlie'], { healed: ['bravo', 'charlie'] })
    assert.deepEqual(alpha.announced(), ['eth0'])
  })

  test('lets go at once of what others own by now: no successor will announce it again', () => {
    const alpha = Alpha.settled()
    alpha.members(['charlie'])
    alpha.desired(service('a/s', ['bravo', 'alpha'], { interfaces: ['eth0'] }))
    alpha.actions = []
    alpha.members(['bravo', 'charlie'], { isCatchingUp: true, mayBeBuried: true })
    assert.deepEqual(alpha.happened(), [`disown ${IP}`, 'a/s: not owned, lost-election'])
  })
})

describe('ten thousand Services at once', () => {
  const services = Array.from({ length: 10_000 }, (_, at) =>
    service(`a/${at}`, ['alpha', 'bravo'], { ip: `10.1.${at >> 8}.${at & 255}`, interfaces: ['eth0'] }),
  )
  const ownedSoFar = (alpha: Alpha) => alpha.actions.filter(({ kind }) => kind === 'own').length

  test('are taken in by pieces, as often as the timer rings', () => {
    const alpha = Alpha.settled()
    alpha.desired(...services)
    assert.equal(ownedSoFar(alpha), 200)
    alpha.step({ kind: 'timer' })
    assert.equal(ownedSoFar(alpha), 400)
    alpha.advance(0)
    assert.equal(ownedSoFar(alpha), 10_000)
  })

  test('a death in between is no different: what is known moves now, the rest when its turn comes', () => {
    const alpha = Alpha.settled()
    alpha.desired(...services.map(({ key, layer2 }) => service(key, ['bravo', 'alpha'], { ip: layer2[0]!.ip })))
    assert.equal(ownedSoFar(alpha), 0)
    alpha.members(['charlie'])
    assert.equal(ownedSoFar(alpha), 150)
    alpha.step({ kind: 'timer' })
    assert.equal(ownedSoFar(alpha), 400)
    alpha.advance(0)
    assert.equal(ownedSoFar(alpha), 10_000)
  })

  test('an address that goes from one Service to another far behind it is not let go of in between', () => {
    const alpha = Alpha.settled()
    alpha.desired(service('z/last', ['alpha'], { interfaces: ['eth0'] }))
    alpha.actions = []
    alpha.desired(
      { key: 'z/last', layer2: [] },
      ...services.slice(0, 1000),
      service('z/next', ['alpha'], { interfaces: ['eth0'] }),
    )
    alpha.advance(0)
    assert.ok(!alpha.actions.some(({ kind }) => kind === 'disown'))
  })
})

property(
  'whatever happens: held addresses are wanted, never both owned and disowned, and what is armed leads to rest',
  [
    fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('members' as const), alive: fc.subarray(['bravo', 'charlie', 'delta']) }),
        fc.record({ kind: fc.constant('interfaces' as const), names: fc.subarray(['eth0', 'eth1']) }),
        fc.record({
          kind: fc.constant('desired' as const),
          key: fc.constantFrom('a/one', 'a/two', 'a/three'),
          ips: fc.subarray([IP, '192.0.2.11', '2001:db8::1']),
          candidates: fc.shuffledSubarray(['alpha', 'bravo', 'charlie', 'delta']),
          interfaces: fc.option(fc.subarray(['eth0', 'eth1', 'eth2']), { nil: undefined }),
        }),
        fc.record({ kind: fc.constant('claim' as const), mac: fc.constantFrom(BRAVO_MAC, STRANGER_MAC) }),
        fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(3000) }),
      ),
      { maxLength: 40, size: 'max' },
    ),
  ],
  (happenings) => {
    const alpha = Alpha.settled({ roundsPerTick: 3 })
    const held = new Map<string, readonly string[]>()
    const wanted = new Map<string, readonly string[]>()
    for (const happening of happenings) {
      if (happening.kind === 'members') alpha.members(happening.alive)
      else if (happening.kind === 'interfaces') {
        alpha.interfaces(Object.fromEntries(happening.names.map((name) => [name, MAC])))
      } else if (happening.kind === 'claim') alpha.claim(happening.mac)
      else if (happening.kind === 'pass') alpha.advance(happening.ms)
      else {
        const { key, ips, candidates, interfaces } = happening
        wanted.set(key, ips)
        alpha.desired({ key, layer2: ips.map((ip) => ({ ip, candidates, interfaces })) })
      }
      for (const action of alpha.actions) follow(held, action)
      alpha.actions = []
      const anyWants = new Set([...wanted.values()].flat())
      for (const [ip, interfaces] of held) {
        assert.ok(anyWants.has(ip), `${ip} is held but nobody wants it`)
        assert.ok(interfaces.length > 0)
      }
    }
    alpha.advance(100_000)
    alpha.actions = []
    alpha.advance(1_000_000)
    assert.deepEqual(alpha.actions, [], 'it comes to rest')
  },
)

/** What the responder would hold, and what it must never be told. */
function follow(held: Map<string, readonly string[]>, action: Action): void {
  if (action.kind === 'own' || action.kind === 'watch') held.set(action.ip, action.interfaces)
  else if (action.kind === 'disown') assert.ok(held.delete(action.ip), 'disowned what was not held')
  else if (action.kind === 'probe')
    assert.ok(held.get(action.ip)?.includes(action.interface), 'asked and did not listen')
  else if (action.kind === 'announce') {
    assert.ok(held.get(action.ip)?.includes(action.interface), 'announced what is not held there')
  }
}

describe('ten thousand addresses, and something happens', () => {
  /** Counts what was done since the last call; `most` in one step. */
  function counted(alpha: Alpha): Readonly<Record<'own' | 'disown' | 'announce' | 'ownership' | 'most', number>> {
    const actions = alpha.actions.splice(0)
    const count = (wanted: Action['kind']) => actions.filter(({ kind }) => kind === wanted).length
    const most = Math.max(0, ...alpha.stepSizes.splice(0))
    return {
      ...{ own: count('own'), disown: count('disown'), announce: count('announce') },
      ownership: count('ownership'),
      most,
    }
  }

  /** A tenth each prefers bravo; the others prefer alpha, or charlie. */
  function busy(second: 'alpha' | 'charlie'): Alpha {
    const alpha = Alpha.settled()
    const services = Array.from({ length: 10_000 }, (_, at) => {
      const candidates =
        at % 10 === 0 ? ['bravo', 'alpha'] : second === 'alpha' ? ['alpha', 'bravo'] : ['charlie', 'alpha']
      return service(`a/${at}`, candidates, { ip: `10.1.${at >> 8}.${at & 255}`, interfaces: ['eth0'] })
    })
    alpha.desired(...services)
    alpha.advance(60_000)
    counted(alpha)
    return alpha
  }

  test('a death is settled at once, in small steps, and only for the addresses of the dead', () => {
    const alpha = busy('charlie')
    alpha.members(['charlie'])
    alpha.advance(0)
    const { own, ownership, most } = counted(alpha)
    assert.deepEqual([own, ownership], [1000, 1000])
    assert.ok(most <= 450, `${most} actions in one step`)
  })

  test('a claim of an address that waits finds it as it should be', () => {
    const alpha = busy('charlie')
    alpha.members(['charlie'])
    const last = '10.1.39.6'
    assert.equal(ownerOf(alpha, last), false)
    alpha.claim(STRANGER_MAC, { ip: last })
    assert.equal(ownerOf(alpha, last), true)
    const { own } = counted(alpha)
    assert.ok(own < 200, 'a claim brings nothing else forward')
  })

  test('a standstill too short for others to notice: nothing at all', () => {
    const alpha = busy('alpha')
    alpha.members(['bravo', 'charlie'], { isCatchingUp: true })
    alpha.members(['bravo', 'charlie'])
    alpha.advance(10_000)
    assert.deepEqual(counted(alpha), { own: 0, disown: 0, announce: 0, ownership: 0, most: 0 })
  })

  test('a longer one in which nothing changed: one burst for what is its own, and nothing else', () => {
    const alpha = busy('alpha')
    alpha.members(['bravo', 'charlie'], { isCatchingUp: true, mayBeBuried: true })
    alpha.members(['bravo', 'charlie'], { healed: ['bravo', 'charlie'] })
    alpha.advance(60_000)
    const { own, disown, announce, ownership, most } = counted(alpha)
    assert.deepEqual([own, disown, announce, ownership], [0, 0, 9000 * BURST_GAPS_MS.length, 0])
    assert.ok(most <= 450, `${most} actions in one step`)
  })

  test('a member is back that was taken for dead: what stays our own is said twice, not seven times', () => {
    const alpha = busy('alpha')
    alpha.members(['charlie'], { silent: ['bravo'] })
    alpha.advance(60_000)
    counted(alpha)
    alpha.members(['bravo', 'charlie'], { healed: ['bravo'] })
    alpha.advance(6_000)
    const { own, disown, announce, ownership } = counted(alpha)
    assert.deepEqual([own, disown, announce, ownership], [0, 0, 9000 * 2, 1000])
  })

  test('everybody announces at the same time: each keeps to its share, so that no port is overrun', () => {
    const alpha = busy('charlie')
    alpha.members([], { silent: ['bravo', 'charlie'] })
    alpha.advance(19)
    assert.equal(counted(alpha).announce, 200, 'alone')
    const other = Alpha.settled()
    other.desired(...heirsOf(['alpha', 'delta', 'echo', 'foxtrot']))
    other.advance(10_000)
    counted(other)
    other.members(['delta', 'echo', 'foxtrot'], { silent: ['bravo'] })
    other.advance(19)
    assert.equal(counted(other).announce, 50, 'one of four')
  })

  /** Two thousand addresses of bravo's, for which each of the heirs comes next in turn. */
  function heirsOf(heirs: readonly string[]): readonly WantedService[] {
    return Array.from({ length: 2000 }, (_, at) =>
      service(`a/${at}`, ['bravo', heirs[at % heirs.length]!], {
        ip: `10.1.${at >> 8}.${at & 255}`,
        interfaces: ['eth0'],
      }),
    )
  }

  function ownerOf(alpha: Alpha, ip: string): boolean {
    return alpha.state.addresses.get(ip)?.phase.kind === 'holding'
  }
})

test('won back within a gap between heartbeats, the neighbours having been told long ago: said twice, not seven times', () => {
  const alpha = Alpha.settled()
  alpha.members(['charlie'])
  alpha.desired(service('a/s', ['bravo', 'alpha'], { interfaces: ['eth0'] }))
  alpha.advance(10_000)
  for (const [lostForMs, rounds] of [
    [100, 2],
    [101, 7],
  ] as const) {
    alpha.members(['bravo', 'charlie'])
    alpha.advance(lostForMs)
    alpha.actions = []
    alpha.members(['charlie'])
    alpha.advance(10_000)
    assert.equal(alpha.announced().length, rounds, `after ${lostForMs} ms`)
  }
})

test('an address that nobody wants any more, not yet withdrawn, is left alone by whatever happens', () => {
  const alpha = Alpha.settled()
  alpha.desired(service('a/s', ['alpha'], { interfaces: ['eth0'] }))
  const many = Array.from({ length: 1000 }, (_, at) =>
    service(`b/${at}`, ['bravo'], { ip: `10.1.${at >> 8}.${at & 255}` }),
  )
  alpha.actions = []
  alpha.desired({ key: 'a/s', layer2: [] }, ...many)
  alpha.members(['bravo', 'charlie', 'delta'])
  alpha.claim(BRAVO_MAC)
  alpha.advance(0)
  assert.ok(alpha.actions.some(({ kind }) => kind === 'disown'))
  assert.ok(!alpha.state.addresses.has(IP))
})
