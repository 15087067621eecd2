import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hex, toHex } from './hex.ts'
import { FAIR, Segment } from './network.ts'
import { campaign, property } from './property.ts'
import { SeededRandom } from './random.ts'
import { VirtualClock } from './virtual-clock.ts'

describe('virtual time', () => {
  property('alarms ring in order of time, then in order of setting', [fc.array(fc.nat(50))], (times) => {
    const clock = new VirtualClock()
    const rung: [time: number, index: number][] = []
    for (const [index, time] of times.entries()) clock.at(time, () => rung.push([clock.now(), index]))
    clock.advance(100)
    const expected = times
      .map((time, index) => [time, index] as [number, number])
      .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    assert.deepEqual(rung, expected)
  })

  test('an alarm may set another within the same stretch, and a cancelled one keeps silent', () => {
    const clock = new VirtualClock()
    const rung: number[] = []
    clock.after(10, () => clock.after(10, () => rung.push(clock.now())))
    const cancel = clock.after(15, () => rung.push(clock.now()))
    cancel()
    clock.advance(30)
    assert.deepEqual(rung, [20])
    assert.equal(clock.now(), 30)
  })

  test('advanceUntil stops at the alarm that makes it true, or says that none did', () => {
    const clock = new VirtualClock()
    let isDone = false
    clock.after(7, () => {
      isDone = true
    })
    assert.equal(
      clock.advanceUntil(() => isDone, 100),
      7,
    )
    assert.equal(
      clock.advanceUntil(() => false, 100),
      undefined,
    )
    assert.equal(clock.now(), 107)
  })
})

describe('a simulated segment', () => {
  function joined(weather = FAIR) {
    const clock = new VirtualClock()
    const segment = new Segment<string>(clock, new SeededRandom(1), weather)
    const heard: string[] = []
    for (const name of ['a', 'b', 'c']) segment.attach(name, (packet, from) => heard.push(`${from}>${name} ${packet}`))
    return { clock, segment, heard }
  }

  test('a broadcast reaches everybody else', () => {
    const { clock, segment, heard } = joined()
    segment.broadcast('a', 'hello')
    clock.advance(1)
    assert.deepEqual(heard, ['a>b hello', 'a>c hello'])
  })

  test('nothing crosses a partition, nor a severed direction, until it heals', () => {
    const { clock, segment, heard } = joined()
    segment.partition(['a'])
    segment.sever('b', 'c')
    for (const from of ['a', 'b', 'c']) segment.broadcast(from, 'hello')
    clock.advance(1)
    assert.deepEqual(heard, ['c>b hello'])
    segment.heal()
    segment.broadcast('a', 'again')
    clock.advance(1)
    assert.equal(heard.length, 3)
  })

  test('a packet under way does not reach who was cut off meanwhile', () => {
    const { clock, segment, heard } = joined({ ...FAIR, leastDelayMs: 10, mostDelayMs: 10 })
    segment.broadcast('a', 'hello')
    segment.detach('b')
    segment.partition(['c'])
    clock.advance(20)
    assert.deepEqual(heard, [])
  })

  test('loss, duplication and reordering come about as often as asked for', () => {
    const { clock, segment, heard } = joined({ loss: 0.5, duplication: 0.5, leastDelayMs: 1, mostDelayMs: 50 })
    for (let at = 0; at < 1000; at++) segment.send('a', 'b', String(at).padStart(4, '0'))
    clock.advance(100)
    const distinct = new Set(heard)
    assert.ok(distinct.size > 400 && distinct.size < 600, `${distinct.size} arrived`)
    assert.ok(heard.length - distinct.size > 150 && heard.length - distinct.size < 350, 'about half of them twice')
    assert.notDeepEqual(heard, heard.toSorted())
  })
})

describe('hex for people', () => {
  test('groups, comments and bytes put in', () => {
    const tail = Uint8Array.of(0xab)
    assert.deepEqual(
      hex`
      01 0203   # three bytes
      ${tail}ff # one put in`,
      Uint8Array.of(1, 2, 3, 0xab, 0xff),
    )
    assert.equal(toHex(Uint8Array.of(0, 15, 255)), '000fff')
  })

  test('half a byte or another character is a mistake', () => {
    assert.throws(() => hex`012`, SyntaxError)
    assert.throws(() => hex`0x01`, SyntaxError)
  })
})

describe('campaigns', () => {
  test('seed and runs come from the environment, else a fresh seed and the default', () => {
    assert.deepEqual(campaign({ INVAR_SEED: '-7', INVAR_RUNS: '5' }), { seed: -7, runs: 5 })
    assert.equal(campaign({}).runs, 200)
    assert.ok(Number.isInteger(campaign({}).seed))
  })

  test('what is no number is refused', () => {
    assert.throws(() => campaign({ INVAR_RUNS: 'many' }), /INVAR_RUNS must be a whole number/)
  })
})
