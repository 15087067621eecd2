/**
 * What the wire thread was told last, on disk: a speaker that starts while the API server is away goes on from there.
 * The file holds keys, so it is for its owner alone; it is replaced whole or not at all, and what is damaged, foreign or
 * too old is not used.
 *
 *   invar-speaker-state 2 LF, SHA-256 of the rest (32 bytes), then parts: length (4 bytes, big endian), and a StatePart
 *   as v8.serialize writes it. There are many parts, and the loop turns between two of them.
 *
 * Its time of modification is when the state was last known to be current.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock, TimerHandle } from '../runtime/clock.ts'
import { type Log, sentenceOf } from '../runtime/log.ts'
import { readParts, type StatePart, serializePart, statePartsOf } from './state-parts.ts'
import type { ToWire } from './wire/messages.ts'

const HEADING = Buffer.from('invar-speaker-state 2\n')
const DIGEST_BYTES = 32
/** Ten times what ten thousand Services on a hundred nodes need. */
const MAX_BYTES = 256 * 1024 * 1024
/** The file is written once in this time at most. */
const SAVE_INTERVAL_MS = 1_000
/** In the long run: ten thousand Services are written every few seconds, which costs neither latency nor flash. */
const SAVED_BYTES_A_SECOND = 256 * 1024
const OWNER_ONLY = 0o600

export interface StateFileOptions {
  readonly path: string
  /** Name of this node. */
  readonly node: string
  /** Older state is not used. */
  readonly maxAgeMs: number
  readonly clock: Clock
  readonly log: Log
  /** What is to be saved, as it is when it is written. */
  readonly messages: () => readonly ToWire[]
}

export type Refusal = 'absent' | 'not-private' | 'too-large' | 'too-old' | 'other-version' | 'corrupt' | 'other-node'

export type Read =
  | { readonly kind: 'state'; readonly messages: readonly ToWire[]; readonly ageMs: number }
  | { readonly kind: 'refused'; readonly because: Refusal }

export class StateFile {
  readonly #options: StateFileOptions
  #timer: TimerHandle | undefined
  #writing: Promise<void> = Promise.resolve()
  #lastSaveAt = Number.NEGATIVE_INFINITY
  #lastSaveBytes = 0
  #complaint: string | undefined

  constructor(options: StateFileOptions) {
    this.#options = options
  }

  /** @throws Error of the file system, for anything but an absent file */
  async read(): Promise<Read> {
    const file = await opened(this.#options.path)
    if (file === undefined) return { kind: 'refused', because: 'absent' }
    try {
      return await this.#judge(file)
    } finally {
      await file.close()
    }
  }

  /** What is to be saved has changed. */
  changed(): void {
    const { clock } = this.#options
    const intervalMs = Math.max(SAVE_INTERVAL_MS, (this.#lastSaveBytes / SAVED_BYTES_A_SECOND) * 1000)
    const waitMs = Math.max(0, this.#lastSaveAt + intervalMs - clock.now())
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = undefined
      this.#lastSaveAt = clock.now()
      this.#enqueue(() => this.#write())
    }, waitMs)
  }

  /** What is saved is still current. */
  confirm(): void {
    const { path, clock } = this.#options
    const seconds = clock.wall() / 1000
    this.#enqueue(() => utimes(path, seconds, seconds))
  }

  /** Saves what has not been saved yet, and ends. */
  async stop(): Promise<void> {
    if (this.#timer !== undefined) {
      this.#options.clock.clearTimeout(this.#timer)
      this.#timer = undefined
      this.#enqueue(() => this.#write())
    }
    await this.#writing
  }

  /** One after the other. A disk that refuses costs the next start its memory, and this one nothing. */
  #enqueue(work: () => Promise<void>): void {
    this.#writing = this.#writing.then(work).then(
      () => {
        this.#complaint = undefined
      },
      (error: unknown) => this.#complain(sentenceOf(error)),
    )
  }

  #complain(because: string): void {
    if (this.#complaint === because) return
    this.#complaint = because
    const remedy = 'a restart while the API server is away would begin with nothing; see --state-file'
    this.#options.log.warn('stateNotSaved', `cannot save the state: ${because}: ${remedy}`)
  }

  async #write(): Promise<void> {
    const { path, node, messages } = this.#options
    const folder = dirname(path)
    await ensureFolder(folder)
    const temporary = `${path}.new`
    const file = await open(temporary, 'w', OWNER_ONLY)
    try {
      this.#lastSaveBytes = await writeParts(file, statePartsOf(node, messages()))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(folder)
  }

  async #judge(file: FileHandle): Promise<Read> {
    const { node, maxAgeMs, clock } = this.#options
    const refused = (because: Refusal): Read => ({ kind: 'refused', because })
    const { mode, uid, size, mtimeMs } = await file.stat()
    if ((mode & 0o077) !== 0 || uid !== process.getuid?.()) return refused('not-private')
    if (size > MAX_BYTES) return refused('too-large')
    // A clock that was set back makes it seem to be of the future: that is no reason to forget it.
    const ageMs = Math.max(0, clock.wall() - mtimeMs)
    if (ageMs > maxAgeMs) return refused('too-old')
    const content = await file.readFile()
    if (!content.subarray(0, HEADING.length).equals(HEADING)) return refused('other-version')
    const payload = content.subarray(HEADING.length + DIGEST_BYTES)
    const digest = content.subarray(HEADING.length, HEADING.length + DIGEST_BYTES)
    if (!digest.equals(createHash('sha256').update(payload).digest())) return refused('corrupt')
    const state = readParts(payload)
    return state.node === node ? { kind: 'state', messages: state.messages, ageMs } : refused('other-node')
  }
}

/** Each write is waited for, which lets the loop turn: the digest, known last, is written last. @returns bytes */
async function writeParts(file: FileHandle, parts: Iterable<StatePart>): Promise<number> {
  const hash = createHash('sha256')
  let at = HEADING.length + DIGEST_BYTES
  for (const part of parts) {
    const bytes = serializePart(part)
    hash.update(bytes)
    await file.write(bytes, 0, bytes.length, at)
    at += bytes.length
  }
  const heading = Buffer.concat([HEADING, hash.digest()])
  await file.write(heading, 0, heading.length, 0)
  return at
}

async function opened(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The folder above it must be there: that is where the operator of the cluster gave us room. */
async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Only then the new name survives a loss of power. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
