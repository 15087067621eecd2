/**
 * `npm run fuzz:decoders [-- INPUTS [NAME]]`: mutated inputs for everything that bytes from the segment and from routers
 * reach first, or for what begins with NAME (`bgp`, `arp`). Nothing may be thrown but a DecodeError. The first input of
 * each outcome that was not seen before is kept in corpus.txt, which the unit tests replay; an input that makes a decoder
 * throw something else is printed and ends the run.
 */
import { toHex } from '../hex.ts'
import { campaign } from '../property.ts'
import { SeededRandom } from '../random.ts'
import { readCorpus, type Specimen, writeCorpus } from './corpus.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets.ts'

const DEFAULT_INPUTS = 10_000_000
const PROGRESS_EVERY_MS = 5_000
const MOST_BYTES = 1600

/** One target with its pool of inputs to mutate. */
class Fuzzer {
  readonly target: Target
  readonly outcomes = new Map<string, number>()
  readonly found: Specimen[] = []
  readonly #random: SeededRandom
  readonly #pool: Uint8Array[]

  constructor(target: Target, known: readonly Specimen[], random: SeededRandom) {
    this.target = target
    this.#random = random
    this.#pool = [...target.seeds, ...known.map(({ bytes }) => bytes)]
    for (const { outcome } of known) this.outcomes.set(outcome, 0)
  }

  run(): void {
    const bytes = this.#mutate(this.#random.pick(this.#pool))
    const outcome = this.#outcomeOf(bytes)
    const seen = this.outcomes.get(outcome)
    this.outcomes.set(outcome, (seen ?? 0) + 1)
    if (seen !== undefined) return
    this.#pool.push(bytes)
    this.found.push({ target: this.target.name, bytes, outcome })
  }

  #outcomeOf(bytes: Uint8Array): string {
    try {
      return this.target.run(bytes)
    } catch (error) {
      throw new Error(`${this.target.name} ${toHex(bytes)} makes it throw`, { cause: error })
    }
  }

  #mutate(original: Uint8Array): Uint8Array {
    let bytes: Uint8Array = original.slice()
    for (let changes = 1 + Math.floor(this.#random.next() * 4); changes > 0; changes--) bytes = this.#change(bytes)
    return bytes.subarray(0, MOST_BYTES)
  }

  #change(bytes: Uint8Array): Uint8Array {
    const at = Math.floor(this.#random.next() * (bytes.length + 1))
    switch (Math.floor(this.#random.next() * 6)) {
      case 0:
        return bytes.slice(0, at)
      case 1: {
        const other = this.#random.pick(this.#pool)
        return new Uint8Array([...bytes.subarray(0, at), ...other.subarray(Math.min(at, other.length))])
      }
      case 2:
        return new Uint8Array([...bytes.subarray(0, at), this.#byte(), ...bytes.subarray(at)])
      case 3:
        if (at < bytes.length) bytes[at]! ^= 1 << Math.floor(this.#random.next() * 8)
        return bytes
      default:
        if (at < bytes.length) bytes[at] = this.#byte()
        return bytes
    }
  }

  /** Bytes at the ends of their range break more than those between. */
  #byte(): number {
    return this.#random.chance(0.3)
      ? this.#random.pick([0, 1, 0x7f, 0x80, 0xff])
      : Math.floor(this.#random.next() * 256)
  }
}

function main(): void {
  const inputs = Number(process.argv[2] ?? DEFAULT_INPUTS)
  const { seed } = campaign()
  const random = new SeededRandom(seed)
  const known = readCorpus()
  const [, , , prefix = ''] = process.argv
  const targets = TARGETS.filter(({ name }) => name.startsWith(prefix))
  if (targets.length === 0)
    throw new Error(`no target begins with ${prefix}: ${TARGETS.map(({ name }) => name).join()}`)
  const fuzzers = targets.map(
    (target) =>
      new Fuzzer(
        target,
        known.filter((one) => one.target === target.name),
        random,
      ),
  )
  console.log(`seed ${seed}, ${inputs} inputs for ${targets.length} targets, ${known.length} in the corpus`)
  const startedAt = performance.now()
  let reportAt = startedAt + PROGRESS_EVERY_MS
  for (let done = 0; done < inputs; done++) {
    fuzzers[done % fuzzers.length]!.run()
    if (done % 1024 !== 0 || performance.now() < reportAt) continue
    reportAt += PROGRESS_EVERY_MS
    const perSecond = Math.round(done / ((performance.now() - startedAt) / 1000))
    console.log(
      `${done} of ${inputs}, ${perSecond} a second, ${Math.round(process.memoryUsage().rss / 1e6)} MB resident`,
    )
  }
  const found = fuzzers.flatMap((fuzzer) => fuzzer.found)
  if (found.length > 0) writeCorpus([...known, ...found])
  for (const { target, outcomes } of fuzzers) {
    console.log(`\n${target.name}`)
    for (const [outcome, count] of [...outcomes].sort((a, b) => b[1] - a[1])) console.log(`  ${count}\t${outcome}`)
  }
  console.log(`\n${inputs} inputs: nothing but values and DecodeErrors; ${found.length} new outcomes kept`)
}

main()
