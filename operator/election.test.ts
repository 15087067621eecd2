import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { property } from '../testkit/property.ts'
import {
  DEFAULT_LEASE_TIMING,
  type Election,
  type ElectionAction,
  type ElectionEvent,
  isValidLeader,
  newElection,
  stepElection,
} from './election.ts'
import type { Lease } from './resources.ts'

const TIMING = DEFAULT_LEASE_TIMING

function leaseOf(holderIdentity: string, version: number, leaseTransitions = 0): Lease {
  const metadata = { name: 'lease', resourceVersion: String(version) }
  return { metadata, spec: { holderIdentity, leaseDurationSeconds: 15, leaseTransitions } }
}

/** What one candidate, `me`, does: time, event, and the actions that follow. */
const SCRIPTS: readonly [string, readonly (readonly [number, ElectionEvent, readonly string[]])[]][] = [
  [
    'there is no Lease: it is created, and then renewed',
    [
      [0, { kind: 'tick' }, ['read']],
      [10, { kind: 'read', lease: undefined }, ['create']],
      [20, { kind: 'written', lease: leaseOf('me', 1), startedAt: 10 }, ['elected since 10', 'wait 2000']],
      [2_020, { kind: 'tick' }, ['replace 1']],
      [2_030, { kind: 'written', lease: leaseOf('me', 2), startedAt: 2_020 }, ['wait 2000']],
    ],
  ],
  [
    "another's Lease is taken when it has not changed for its duration by our clock",
    [
      [0, { kind: 'read', lease: leaseOf('you', 7) }, ['wait 2000']],
      [14_000, { kind: 'read', lease: leaseOf('you', 7) }, ['wait 1000']],
      [15_000, { kind: 'read', lease: leaseOf('you', 7) }, ['replace 7']],
      [
        15_010,
        { kind: 'written', lease: leaseOf('me', 8, 1), startedAt: 15_000 },
        ['elected since 15000', 'wait 2000'],
      ],
    ],
  ],
  [
    "another's Lease that is renewed is left alone",
    [
      [0, { kind: 'read', lease: leaseOf('you', 7) }, ['wait 2000']],
      [14_000, { kind: 'read', lease: leaseOf('you', 8) }, ['wait 2000']],
      [28_000, { kind: 'read', lease: leaseOf('you', 9) }, ['wait 2000']],
    ],
  ],
  ['a Lease that was given back is taken at once', [[0, { kind: 'read', lease: leaseOf('', 7) }, ['replace 7']]]],
  [
    'another was faster',
    [
      [0, { kind: 'read', lease: leaseOf('', 7) }, ['replace 7']],
      [5, { kind: 'refused' }, ['read']],
      [10, { kind: 'read', lease: leaseOf('you', 8) }, ['wait 2000']],
    ],
  ],
  [
    'a renewal that is never answered: deposed when the deadline of the last one is over',
    [
      [0, { kind: 'written', lease: leaseOf('me', 1), startedAt: 0 }, ['elected since 0', 'wait 2000']],
      [2_000, { kind: 'tick' }, ['replace 1']],
      [7_000, { kind: 'failed' }, ['wait 2000']],
      [9_000, { kind: 'tick' }, ['replace 1']],
      [10_000, { kind: 'failed' }, ['deposed', 'wait 2000']],
    ],
  ],
  [
    'a renewal was stored though its answer was lost: refused, read, and claimed on',
    [
      [0, { kind: 'written', lease: leaseOf('me', 1), startedAt: 0 }, ['elected since 0', 'wait 2000']],
      [4_000, { kind: 'refused' }, ['read']],
      [4_010, { kind: 'read', lease: leaseOf('me', 2) }, ['replace 2']],
      [4_020, { kind: 'written', lease: leaseOf('me', 3), startedAt: 4_010 }, ['wait 2000']],
    ],
  ],
  [
    'a frozen leader that thaws is deposed before it does anything else',
    [
      [0, { kind: 'written', lease: leaseOf('me', 1), startedAt: 0 }, ['elected since 0', 'wait 2000']],
      [60_000, { kind: 'tick' }, ['deposed', 'read']],
    ],
  ],
  [
    'an answer that took longer than what it grants does not make a leader',
    [
      [0, { kind: 'read', lease: undefined }, ['create']],
      [12_000, { kind: 'written', lease: leaseOf('me', 1), startedAt: 0 }, ['wait 0']],
    ],
  ],
  [
    'a late answer after the end of a term begins a new one where it still grants something',
    [
      [0, { kind: 'written', lease: leaseOf('me', 1), startedAt: 0 }, ['elected since 0', 'wait 2000']],
      [
        11_000,
        { kind: 'written', lease: leaseOf('me', 2), startedAt: 9_000 },
        ['deposed', 'elected since 11000', 'wait 2000'],
      ],
    ],
  ],
  [
    'a look before standing claims nothing; the first tick claims what it showed vacant',
    [
      [0, { kind: 'looked', lease: leaseOf('', 7) }, []],
      [900, { kind: 'tick' }, ['replace 7']],
      [905, { kind: 'written', lease: leaseOf('me', 8, 1), startedAt: 900 }, ['elected since 0', 'wait 2000']],
    ],
  ],
  [
    'a look that shows a holder: read anew when standing, and the time until then counts',
    [
      [0, { kind: 'looked', lease: leaseOf('you', 7) }, []],
      [14_900, { kind: 'tick' }, ['read']],
      [15_000, { kind: 'read', lease: leaseOf('you', 7) }, ['replace 7']],
      [
        15_005,
        { kind: 'written', lease: leaseOf('me', 8, 1), startedAt: 15_000 },
        ['elected since 15000', 'wait 2000'],
      ],
    ],
  ],
  [
    'another was leader between the look and the claim: what the look showed counts no more',
    [
      [0, { kind: 'looked', lease: undefined }, []],
      [900, { kind: 'tick' }, ['create']],
      [905, { kind: 'refused' }, ['read']],
      [910, { kind: 'read', lease: leaseOf('', 8) }, ['replace 8']],
      [920, { kind: 'written', lease: leaseOf('me', 9, 1), startedAt: 910 }, ['elected since 910', 'wait 2000']],
    ],
  ],
  [
    'no answer to the claim of what a look showed: read anew',
    [
      [0, { kind: 'looked', lease: undefined }, []],
      [900, { kind: 'tick' }, ['create']],
      [5_900, { kind: 'failed' }, ['wait 2000']],
      [7_900, { kind: 'tick' }, ['read']],
    ],
  ],
  [
    'a Lease deleted under its holder: it is the holder who notices first',
    [
      [0, { kind: 'read', lease: leaseOf('you', 7) }, ['wait 2000']],
      [2_000, { kind: 'read', lease: undefined }, ['wait 2000']],
      [14_000, { kind: 'read', lease: undefined }, ['wait 1000']],
      [15_000, { kind: 'read', lease: undefined }, ['create']],
    ],
  ],
  [
    'somebody took the Lease by force: deposed at once',
    [
      [0, { kind: 'written', lease: leaseOf('me', 1), startedAt: 0 }, ['elected since 0', 'wait 2000']],
      [2_000, { kind: 'read', lease: leaseOf('you', 2) }, ['deposed', 'wait 2000']],
    ],
  ],
  [
    'a holder that promised to renew less often is given its time',
    [
      [
        0,
        { kind: 'read', lease: { ...leaseOf('you', 7), spec: { holderIdentity: 'you', leaseDurationSeconds: 60 } } },
        ['wait 2000'],
      ],
      [
        30_000,
        { kind: 'read', lease: { ...leaseOf('you', 7), spec: { holderIdentity: 'you', leaseDurationSeconds: 60 } } },
        ['wait 2000'],
      ],
    ],
  ],
]

function wordOf(action: ElectionAction): string {
  if (action.kind === 'tick-after') return `wait ${action.delayMs}`
  if (action.kind === 'elected') return `elected since ${action.vacantSince}`
  if (action.kind !== 'write') return action.kind
  return action.replaces === undefined ? 'create' : `replace ${action.replaces.metadata.resourceVersion}`
}

for (const [name, script] of SCRIPTS) {
  test(name, () => {
    let election = newElection('me', TIMING)
    for (const [now, event, expected] of script) {
      const step = stepElection(election, event, now)
      assert.deepEqual(step.actions.map(wordOf), expected, `at ${now} after ${event.kind}`)
      election = step.election
    }
  })
}

test('a term counts as a transition only where the holder changes', () => {
  const transitionsAfter = (lease: Lease | undefined): number | undefined => {
    const { actions } = stepElection(newElection('me', TIMING), { kind: 'read', lease }, 0)
    return actions[0]?.kind === 'write' ? actions[0].spec.leaseTransitions : undefined
  }
  assert.equal(transitionsAfter(undefined), 0)
  assert.equal(transitionsAfter(leaseOf('me', 1, 4)), 4)
  assert.equal(transitionsAfter(leaseOf('', 1, 4)), 5)
})

test('a timing that could not work is refused', () => {
  assert.throws(
    () => newElection('me', { leaseDurationMs: 10, renewDeadlineMs: 10, retryPeriodMs: 1 }),
    /renew deadline/,
  )
  assert.throws(() => newElection('me', { leaseDurationMs: 10, renewDeadlineMs: 5, retryPeriodMs: 5 }), /retry period/)
})

/** Candidates around one Lease: requests take their time, get lost before or after being stored; candidates freeze. */
class World {
  now = 0
  /** For each election, by how much the last leader's last moment lay before `vacantSince`. */
  readonly gapsMs: number[] = []
  readonly candidates: { election: Election; frozenUntil: number; ledAt: number }[]
  /** Monotonic clocks do not agree: each candidate's begins elsewhere. */
  readonly offsets: readonly number[]
  #stored: Lease | undefined
  #version = 0
  #pending: { readonly at: number; readonly run: () => void }[] = []
  readonly #draw: () => number

  constructor(count: number, draw: () => number) {
    this.candidates = Array.from({ length: count }, (_, i) => ({
      election: newElection(`c${i}`, TIMING),
      frozenUntil: 0,
      ledAt: Number.NEGATIVE_INFINITY,
    }))
    this.offsets = this.candidates.map((_, i) => i * 1e6)
    this.#draw = draw
  }

  run(untilMs: number, look: () => void): void {
    this.candidates.forEach((_, i) => {
      this.#later(0, () => this.#look(i))
    })
    while (this.now < untilMs && this.#pending.length > 0) {
      this.#pending.sort((a, b) => a.at - b.at)
      const next = this.#pending.shift()!
      this.now = next.at
      next.run()
      this.#noteLeaders()
      look()
    }
  }

  #noteLeaders(): void {
    this.candidates.forEach((each, i) => {
      if (isValidLeader(each.election, this.now + this.offsets[i]!)) each.ledAt = this.now
    })
  }

  /** What a program does before it stands: it looks, is busy for a while, and stands. */
  #look(i: number): void {
    this.#later(this.#draw() * 5_000, () => {
      const lease = this.#stored
      this.#later(this.#draw() * 5_000, () => this.#give(i, { kind: 'looked', lease }))
    })
    this.#later(10_000 + this.#draw() * 20_000, () => this.#give(i, { kind: 'tick' }))
  }

  leaders(): number {
    return this.candidates.filter((each, i) => isValidLeader(each.election, this.now + this.offsets[i]!)).length
  }

  #later(delayMs: number, run: () => void): void {
    this.#pending.push({ at: this.now + delayMs, run })
  }

  #give(i: number, event: ElectionEvent): void {
    const candidate = this.candidates[i]!
    if (this.#draw() < 0.02) candidate.frozenUntil = this.now + this.#draw() * 40_000
    if (candidate.frozenUntil > this.now) {
      this.#later(candidate.frozenUntil - this.now, () => this.#give(i, event))
      return
    }
    const { election, actions } = stepElection(candidate.election, event, this.now + this.offsets[i]!)
    candidate.election = election
    for (const action of actions) this.#execute(i, action)
  }

  #execute(i: number, action: ElectionAction): void {
    if (action.kind === 'tick-after') this.#later(action.delayMs, () => this.#give(i, { kind: 'tick' }))
    if (action.kind === 'elected') {
      const others = this.candidates.filter((_, j) => j !== i).map(({ ledAt }) => ledAt)
      this.gapsMs.push(action.vacantSince - this.offsets[i]! - Math.max(...others))
    }
    if (action.kind !== 'read' && action.kind !== 'write') return
    const startedAt = this.now + this.offsets[i]!
    const [fate, thereMs, backMs] = [this.#draw(), this.#draw() ** 4 * 12_000, this.#draw() ** 4 * 12_000]
    const answer = (event: ElectionEvent): void => this.#later(backMs, () => this.#give(i, event))
    if (fate < 0.1) answer({ kind: 'failed' })
    else
      this.#later(thereMs, () => {
        const event =
          action.kind === 'read' ? ({ kind: 'read', lease: this.#stored } as const) : this.#store(action, startedAt)
        answer(fate < 0.2 ? { kind: 'failed' } : event)
      })
  }

  #store(action: Extract<ElectionAction, { kind: 'write' }>, startedAt: number): ElectionEvent {
    if (action.replaces?.metadata.resourceVersion !== this.#stored?.metadata.resourceVersion) return { kind: 'refused' }
    this.#stored = { metadata: { name: 'lease', resourceVersion: String(++this.#version) }, spec: action.spec }
    return { kind: 'written', lease: this.#stored, startedAt }
  }
}

/** A generator of numbers in [0, 1) that a seed repeats (mulberry32). */
function drawsOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

property(
  'whatever is lost, late or frozen: never two that could show to be leader',
  [fc.integer({ min: 1, max: 4 }), fc.integer()],
  (count, seed) => {
    const world = new World(count, drawsOf(seed))
    world.run(300_000, () => assert.ok(world.leaders() <= 1, `${world.leaders()} leaders at ${world.now}`))
  },
)

property(
  'whatever is lost, late or frozen: since `vacantSince` of its election nobody but the leader has led',
  [fc.integer({ min: 2, max: 4 }), fc.integer()],
  (count, seed) => {
    const world = new World(count, drawsOf(seed))
    world.run(300_000, () => undefined)
    assert.ok(
      world.gapsMs.every((gapMs) => gapMs >= 0),
      `another led ${-Math.min(...world.gapsMs)} ms after that`,
    )
  },
)

test('in the same world, bad as it is, somebody is leader a good part of the time', () => {
  const world = new World(3, drawsOf(1))
  let [moments, led] = [0, 0]
  world.run(3_600_000, () => {
    moments++
    led += world.leaders()
  })
  assert.ok(led / moments > 0.25, `somebody led at ${led} of ${moments} moments`)
})
