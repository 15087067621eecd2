import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nodeViewOf } from '../core/announce/index.ts'
import { type KeptNode, type Secret, Store } from '../operator/index.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { MembershipSource } from './membership.ts'
import type { DesiredMembership, ToWire } from './wire/messages.ts'

const [FIRST, SECOND] = ['AAECAwQFBgcICQoLDA0ODw', 'EBESExQVFhcYGRobHB0eHw']

class Bench {
  readonly clock = new VirtualClock()
  readonly nodes = new Store<KeptNode>()
  readonly source: MembershipSource
  #posted: ToWire[] = []

  constructor(isEnabled = true, isBegun = true) {
    this.add('bravo', '192.0.2.2')
    this.add('alpha', '192.0.2.1')
    const { clock, nodes } = this
    this.source = new MembershipSource({ isEnabled, port: 7946, nodes, clock, post: (one) => this.#posted.push(one) })
    if (isBegun) this.source.begin()
  }

  add(name: string, ...addresses: string[]): void {
    this.nodes.set(name, { ...nodeViewOf({ metadata: { name } }), addresses })
  }

  secret(text: string, others: Readonly<Record<string, string>> = {}): void {
    const entries = Object.entries({ secretkey: text, ...others })
    const data = Object.fromEntries(entries.map(([name, key]) => [name, Buffer.from(key).toString('base64')]))
    this.source.secretChanged({ metadata: { name: 'memberlist' }, data } as Secret)
  }

  /** What was posted since the last call. */
  posted(): (DesiredMembership | undefined)[] {
    return this.#posted.splice(0).map((message) => (message.kind === 'membership' ? message.membership : undefined))
  }

  /** Keys posted last, as text. */
  keys(): string[] {
    return (this.posted().at(-1)?.keys ?? []).map((key) => Buffer.from(key).toString('latin1'))
  }
}

describe('membership source', () => {
  test('members are the nodes by name, with their addresses', () => {
    const bench = new Bench()
    bench.source.nodesChanged()
    assert.deepEqual(bench.posted()[0]?.members, [
      { node: 'alpha', addresses: ['192.0.2.1'] },
      { node: 'bravo', addresses: ['192.0.2.2'] },
    ])
  })

  test('nothing is posted twice', () => {
    const bench = new Bench()
    bench.secret(FIRST)
    bench.posted()
    bench.secret(FIRST)
    bench.source.nodesChanged()
    assert.deepEqual(bench.posted(), [])
  })

  test('the key is the text of the Secret, as MetalLB uses it', () => {
    const bench = new Bench()
    assert.equal(bench.source.hasKey, false)
    bench.secret(FIRST)
    assert.equal(bench.source.hasKey, true)
    assert.deepEqual(bench.keys(), [FIRST])
  })

  test('before everything was read nothing is posted: half of the members would be worse than none', () => {
    const bench = new Bench(true, false)
    bench.secret(FIRST)
    bench.source.nodesChanged()
    assert.deepEqual(bench.posted(), [])
    bench.source.begin()
    assert.equal(bench.posted().length, 1)
  })

  test('rotated in steps: each step signs and accepts what the ones before and after it understand', () => {
    const bench = new Bench()
    const steps: [string, Readonly<Record<string, string>>, string[]][] = [
      [FIRST, {}, [FIRST]],
      [FIRST, { 'secretkey.next': SECOND }, [FIRST, SECOND]],
      [SECOND, { 'secretkey.previous': FIRST }, [SECOND, FIRST]],
      [SECOND, {}, [SECOND]],
    ]
    for (const [signing, others, expected] of steps) {
      bench.secret(signing, others)
      assert.deepEqual(bench.keys(), expected)
    }
    bench.clock.advance(600_000)
    assert.deepEqual(bench.posted(), [], 'nothing is accepted beyond what the Secret says')
    for (const [at, [, , keys]] of steps.entries()) {
      const next = steps[at + 1]?.[2] ?? keys
      assert.ok(next.includes(keys[0]!) && keys.includes(next[0]!))
    }
  })

  test('replaced at once: it signs at once, the one before is accepted for ten minutes', () => {
    const bench = new Bench()
    bench.secret(FIRST)
    bench.secret(SECOND)
    assert.deepEqual(bench.keys(), [SECOND, FIRST])
    bench.clock.advance(599_000)
    assert.deepEqual(bench.posted(), [])
    bench.clock.advance(2_000)
    assert.deepEqual(bench.keys(), [SECOND])
  })

  test('a Secret that is deleted, or empty, takes no key away', () => {
    const bench = new Bench()
    bench.secret(FIRST)
    bench.posted()
    bench.source.secretChanged(undefined)
    bench.secret('')
    assert.deepEqual(bench.posted(), [])
    assert.equal(bench.source.hasKey, true)
  })

  test('switched off: nobody watches, and no key is waited for', () => {
    const bench = new Bench(false)
    assert.deepEqual(bench.posted(), [undefined])
    assert.equal(bench.source.hasKey, true)
  })
})
