import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '../hex.ts'

/** One input, and what came of it when it was found. */
export interface Specimen {
  readonly target: string
  readonly bytes: Uint8Array
  readonly outcome: string
}

const FILE = join(import.meta.dirname, 'corpus.txt')

/** One line each: target, bytes, outcome. */
export function readCorpus(): readonly Specimen[] {
  const lines = readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line) => {
    const [target, bytes, ...outcome] = line.split(' ')
    return { target: target!, bytes: bytesOf(bytes!), outcome: outcome.join(' ') }
  })
}

function bytesOf(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export function writeCorpus(specimens: readonly Specimen[]): void {
  const lines = specimens.map(({ target, bytes, outcome }) => `${target} ${toHex(bytes) || '-'} ${outcome}\n`)
  writeFileSync(FILE, lines.sort().join(''))
}
