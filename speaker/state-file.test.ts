import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createLog } from '../runtime/log.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { type Read, StateFile } from './state-file.ts'
import type { ToWire } from './wire/messages.ts'

const HOUR_MS = 3_600_000
const folder = mkdtempSync(join(tmpdir(), 'invar-state-'))
after(() => rmSync(folder, { recursive: true }))

const MEMBERSHIP: ToWire = {
  kind: 'membership',
  membership: { port: 7946, keys: [new Uint8Array([1, 2, 3])], members: [{ node: 'bravo', addresses: ['192.0.2.2'] }] },
}

function desired(ip: string): ToWire {
  const layer2 = [{ ip, candidates: ['alpha', 'bravo'], interfaces: undefined }]
  return { kind: 'desired', complete: true, services: [{ key: 'default/web', layer2 }] }
}

let serial = 0

/** A speaker's file, and what the speaker is told. */
class Bench {
  readonly clock: VirtualClock
  readonly path: string
  readonly lines: string[] = []
  readonly file: StateFile
  messages: readonly ToWire[] = [MEMBERSHIP, desired('192.0.2.10')]

  constructor(node = 'alpha', path = join(folder, `${++serial}`, 'state')) {
    this.path = path
    this.clock = new VirtualClock({ wallMs: Date.now() })
    const log = createLog({ level: 'all', wall: () => 0, write: (line) => this.lines.push(line) })
    const { clock } = this
    this.file = new StateFile({ path, node, maxAgeMs: 24 * HOUR_MS, clock, log, messages: () => this.messages })
  }

  async saved(): Promise<this> {
    this.file.changed()
    await this.file.stop()
    return this
  }
}

async function refusal(bench: Bench): Promise<string> {
  const read = await bench.file.read()
  return read.kind === 'refused' ? read.because : read.kind
}

function messagesIn(read: Read): readonly ToWire[] {
  assert.ok(read.kind === 'state', JSON.stringify(read))
  return read.messages
}

describe('state file', () => {
  test('what is read is what was saved, keys included', async () => {
    const { path } = await new Bench().saved()
    assert.deepEqual(messagesIn(await new Bench('alpha', path).file.read()), [MEMBERSHIP, desired('192.0.2.10')])
  })

  test('is for its owner alone, and nothing else is left behind', async () => {
    const { path } = await new Bench().saved()
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700)
    assert.deepEqual(readdirSync(join(path, '..')), ['state'])
  })

  test('a hundred changes in a second are one file, and the last of them is in it', async () => {
    const bench = new Bench()
    let taken = 0
    const messages = bench.messages
    Object.defineProperty(bench, 'messages', {
      get: () => {
        taken++
        return messages
      },
    })
    await bench.saved()
    for (let change = 0; change < 100; change++) bench.file.changed()
    bench.clock.advance(999)
    assert.equal(taken, 1)
    bench.clock.advance(1)
    await bench.file.stop()
    assert.equal(taken, 2)
  })

  test('a large state is written less often', async () => {
    const bench = new Bench()
    const keys = [new Uint8Array(1024 * 1024)]
    bench.messages = [{ kind: 'membership', membership: { port: 7946, keys, members: [] } }]
    await bench.saved()
    bench.messages = [MEMBERSHIP]
    bench.file.changed()
    bench.clock.advance(3_900)
    assert.equal(statSync(bench.path).size > 1024 * 1024, true)
    bench.clock.advance(200)
    await bench.file.stop()
    assert.equal(statSync(bench.path).size < 1024, true)
  })

  const SPOILT: readonly [about: string, spoil: (path: string) => void, because: string][] = [
    ['absent', (path) => rmSync(path), 'absent'],
    ['cut short', (path) => truncateSync(path, statSync(path).size - 1), 'corrupt'],
    ['cut in its checksum', (path) => truncateSync(path, 30), 'corrupt'],
    ['empty', (path) => truncateSync(path, 0), 'other-version'],
    ['with one bit turned', (path) => turnBit(path, statSync(path).size - 5), 'corrupt'],
    ['of another version', (path) => turnBit(path, 20), 'other-version'],
    ['that others may read', (path) => chmodSync(path, 0o640), 'not-private'],
    ['that is no state', (path) => writeFileSync(path, 'nonsense'), 'other-version'],
  ]
  for (const [about, spoil, because] of SPOILT) {
    test(`a file ${about} is not used: ${because}`, async () => {
      const bench = await new Bench().saved()
      spoil(bench.path)
      assert.equal(await refusal(bench), because)
    })
  }

  test('the state of another node is not used', async () => {
    const { path } = await new Bench().saved()
    assert.equal(await refusal(new Bench('bravo', path)), 'other-node')
  })

  test('it is used for a day after it was last confirmed', async () => {
    const bench = await new Bench().saved()
    bench.clock.stepWall(20 * HOUR_MS)
    bench.file.confirm()
    await bench.file.stop()
    bench.clock.stepWall(23 * HOUR_MS)
    assert.equal(await refusal(bench), 'state')
    bench.clock.stepWall(2 * HOUR_MS)
    assert.equal(await refusal(bench), 'too-old')
  })

  test('a clock that was set back is no reason to forget', async () => {
    const bench = await new Bench().saved()
    bench.clock.stepWall(-HOUR_MS)
    assert.equal(await refusal(bench), 'state')
  })

  test('a place that cannot be written is complained of once, with what to do', async () => {
    const bench = new Bench('alpha', join(folder, 'absent', 'speaker', 'state'))
    await bench.saved()
    await bench.saved()
    assert.equal(bench.lines.length, 1)
    assert.match(bench.lines[0]!, /cannot save the state: ENOENT.*absent.*see --state-file/)
  })
})

function turnBit(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = bytes[at]! ^ 1
  writeFileSync(path, bytes)
}
