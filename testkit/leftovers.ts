/**
 * What a harness leaves in the system while it runs: processes, directories, cgroups, mounts. Each is written down on
 * disk before it exists and removed at the end; after Ctrl-C by the handlers here, after a crash by the next start.
 * Network namespaces carry their owner in their name (netns.ts) and are not listed.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Leftover =
  /** `startedAt` tells the process from a later one of the same number. */
  | { readonly kind: 'process'; readonly pid: number; readonly startedAt: string }
  /** Removed with all cgroups below it. */
  | { readonly kind: 'cgroup'; readonly path: string }

/** A working directory with a list of what has to go before it. */
export interface Workplace {
  /** Absolute; deleted by `clear`. */
  readonly directory: string
  record(leftover: Leftover): void
  /** Removes all that was recorded, newest first, and the directory. Never throws; safe to call twice. */
  clear(): void
}

const ROOT = join(tmpdir(), `invar-testkit-${process.getuid?.() ?? 0}`)
const LEDGER = 'leftovers.jsonl'
const open = new Set<Workplace>()
let made = 0

/** Makes an empty workplace; what crashed processes left behind goes first. `name` ends up in the directory's name. */
export function openWorkplace(name: string): Workplace {
  if (made === 0) clearAtExit()
  made += 1
  sweepWorkplaces()
  const directory = join(ROOT, `${name}-${process.pid}-${made}`)
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  append(directory, { kind: 'process', pid: process.pid, startedAt: startOf(process.pid) ?? '' })
  const workplace: Workplace = {
    directory,
    record: (leftover) => append(directory, leftover),
    clear() {
      open.delete(workplace)
      clearDirectory(directory)
    },
  }
  open.add(workplace)
  return workplace
}

/** Clears the workplaces whose owners are gone; returns their directories. */
export function sweepWorkplaces(): string[] {
  if (!existsSync(ROOT)) return []
  const stale = readdirSync(ROOT)
    .map((name) => join(ROOT, name))
    .filter((directory) => {
      const owner = read(directory)[0]
      return owner?.kind === 'process' && !isRunning(owner.pid, owner.startedAt)
    })
  for (const directory of stale) clearDirectory(directory)
  return stale
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot; undefined for a process that is gone or a zombie. */
export function startOf(pid: number): string | undefined {
  try {
    // The program's name, field 2, stands in parentheses and may itself hold blanks and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** Signals one process, if it still is the one meant; false if it is gone. */
export function signalProcess(pid: number, startedAt: string, signal: NodeJS.Signals): boolean {
  if (!isRunning(pid, startedAt)) return false
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function isRunning(pid: number, startedAt: string): boolean {
  return startOf(pid) === startedAt
}

function append(directory: string, leftover: Leftover): void {
  appendFileSync(join(directory, LEDGER), `${JSON.stringify(leftover)}\n`)
}

function read(directory: string): Leftover[] {
  const path = join(directory, LEDGER)
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  // A crash in the middle of a write leaves half a line, of something that does not exist yet.
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Leftover)
}

function clearDirectory(directory: string): void {
  const [, ...leftovers] = read(directory)
  leftovers.reverse()
  const processes = leftovers.filter((leftover) => leftover.kind === 'process')
  for (const { pid, startedAt } of processes) signalProcess(pid, startedAt, 'SIGKILL')
  // A frozen process dies only when it runs again.
  for (const leftover of leftovers) if (leftover.kind === 'cgroup') thaw(leftover.path)
  waitUntil(() => processes.every(({ pid, startedAt }) => !isRunning(pid, startedAt)), 5_000)
  for (const leftover of leftovers) if (leftover.kind === 'cgroup') removeCgroup(leftover.path)
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  removeIfEmpty(ROOT)
}

function thaw(cgroup: string): void {
  const states = { 'freezer.state': 'THAWED', 'cgroup.freeze': '0' }
  for (const [file, thawed] of Object.entries(states)) {
    if (existsSync(join(cgroup, file))) writeFileSync(join(cgroup, file), thawed)
  }
}

/** A cgroup goes when its last process has been reaped, which a kill only begins. */
function removeCgroup(path: string): void {
  if (!existsSync(path)) return
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name))
  }
  waitUntil(() => removeIfEmpty(path), 5_000)
}

function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch {
    return !existsSync(directory)
  }
}

/** Blocks: this also runs in exit handlers, where nothing asynchronous happens any more. */
function waitUntil(done: () => boolean, limitMs: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; waited < limitMs && !done(); waited += 10) Atomics.wait(cell, 0, 0, 10)
}

function clearAtExit(): void {
  const clearAll = () => {
    for (const workplace of [...open]) workplace.clear()
  }
  process.once('exit', clearAll)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      clearAll()
      process.kill(process.pid, signal)
    })
  }
}
