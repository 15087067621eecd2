import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createLog } from '../runtime/log.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { LastKnown } from './last-known.ts'
import { Resumption } from './resumption.ts'
import type { DesiredService, ToWire } from './wire/messages.ts'

const folder = mkdtempSync(join(tmpdir(), 'invar-resumption-'))
after(() => rmSync(folder, { recursive: true }))

function service(name: string, ...ips: readonly string[]): DesiredService {
  const layer2 = ips.map((ip) => ({ ip, candidates: ['alpha'], interfaces: undefined }))
  return { key: `default/${name}`, layer2 }
}

function desired(complete: boolean, ...services: readonly DesiredService[]): ToWire {
  return { kind: 'desired', complete, services }
}

const UNWATCHED: ToWire = { kind: 'membership', membership: undefined }

/** One life of a speaker on this file. */
class Life {
  readonly clock = new VirtualClock({ wallMs: Date.now() })
  readonly posted: ToWire[] = []
  readonly lines: string[] = []
  readonly resumption: Resumption
  readonly #spoken = Promise.withResolvers<void>()

  constructor(path: string | undefined) {
    const { clock } = this
    const write = (line: string): void => {
      this.lines.push(line)
      this.#spoken.resolve()
    }
    this.resumption = new Resumption({
      clock,
      log: createLog({ level: 'all', wall: () => 0, write }),
      post: (message) => this.posted.push(message),
      file: path === undefined ? undefined : { path, node: 'alpha', maxAgeMs: 1_000_000 },
      lastContactAt: () => clock.now(),
    })
    this.resumption.begin()
  }

  /** The API server is there: everything is read, and this is what follows from it. */
  sync(...messages: readonly ToWire[]): void {
    this.resumption.end()
    for (const message of messages) this.resumption.post(message)
  }

  /** The API server stays away; resolves when the log says what was made of it. */
  async outage(): Promise<readonly ToWire[]> {
    this.clock.advance(3_000)
    await this.#spoken.promise
    return this.posted
  }
}

const path = (name: string): string => join(folder, name, 'state')

describe('a speaker that starts while the API server is away', () => {
  test('goes on from what the last life was told', async () => {
    const first = new Life(path('a'))
    first.sync(UNWATCHED, desired(true, service('web', '192.0.2.10'), service('db', '192.0.2.11')))
    first.resumption.post(desired(false, service('db'), service('new', '192.0.2.12')))
    await first.resumption.stop()
    const second = new Life(path('a'))
    const known = desired(true, service('web', '192.0.2.10'), service('new', '192.0.2.12'))
    assert.deepEqual(await second.outage(), [UNWATCHED, { ...known, isOutdated: true }])
    assert.match(second.lines[0]!, /"event":"resumed".*announcing what was last known, \d+ s old/)
  })

  test('saves nothing until it has seen the API server: a resumed state does not get younger', async () => {
    const first = new Life(path('b'))
    first.sync(UNWATCHED, desired(true, service('web', '192.0.2.10')))
    await first.resumption.stop()
    const second = new Life(path('b'))
    await second.outage()
    await second.resumption.stop()
    const third = new Life(path('b'))
    assert.equal((await third.outage()).length, 2)
  })

  test('says why it begins with nothing', async () => {
    const life = new Life(path('c'))
    assert.deepEqual(await life.outage(), [])
    assert.match(life.lines[0]!, /cannot be used: absent/)
  })
})

test('a speaker that sees the API server in time does not read the file', async () => {
  const first = new Life(path('d'))
  first.sync(desired(true, service('web', '192.0.2.10')))
  await first.resumption.stop()
  const second = new Life(path('d'))
  second.clock.advance(2_999)
  second.sync(desired(true))
  second.clock.advance(60_000)
  await second.resumption.stop()
  assert.deepEqual([second.posted, second.lines], [[desired(true)], []])
})

test('without a file nothing is kept, and everything is posted', async () => {
  const life = new Life(undefined)
  life.clock.advance(10_000)
  life.sync(UNWATCHED)
  await life.resumption.stop()
  assert.deepEqual([life.posted, life.lines], [[UNWATCHED], []])
})

describe('what is last known', () => {
  test('a list that is not complete yet is not a state', () => {
    const known = new LastKnown()
    known.take(desired(false, service('web', '192.0.2.10')))
    assert.deepEqual(known.messages(), [])
    known.take(desired(true))
    assert.deepEqual(known.messages(), [desired(true)])
  })

  test('questions are not remembered', () => {
    assert.equal(new LastKnown().take({ kind: 'ping', id: 1 }), false)
  })
})
