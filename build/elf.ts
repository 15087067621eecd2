/** What a program or shared library says of itself: for which processor it is, and what it loads at its start. */

export interface Elf {
  readonly processor: 'x64' | 'arm64'
  /** The loader that the kernel starts, for a program that is not static. */
  readonly interpreter?: string
  /** Names of shared libraries, `libc.so.6`. */
  readonly needed: readonly string[]
  /** Versions of symbols that it wants: `libc.so.6` → `GLIBC_2.34`, … */
  readonly wanted: ReadonlyMap<string, readonly string[]>
  /** Versions of symbols that it has itself. */
  readonly defined: readonly string[]
}

/** System V ABI, ELF-64 object file format; the numbers are those of <elf.h>. */
const PROCESSOR: Readonly<Record<number, Elf['processor']>> = { 62: 'x64', 183: 'arm64' }
const SEGMENT = { load: 1, dynamic: 2, interpreter: 3 } as const
const TAG = { end: 0, needed: 1, strings: 5, defined: 0x6fff_fffc, wanted: 0x6fff_fffe } as const

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/** Throws where the bytes are no 64-bit little-endian ELF file of a processor that an image is made for. */
export function readElf(bytes: Buffer): Elf {
  if (bytes.readUInt32BE(0) !== 0x7f45_4c46 || bytes[4] !== 2 || bytes[5] !== 1) throw new Error('no 64-bit ELF file')
  const processor = PROCESSOR[bytes.readUInt16LE(18)]
  if (processor === undefined) throw new Error(`ELF file for processor ${bytes.readUInt16LE(18)}`)
  const segments = readSegments(bytes)
  const interpreter = segments.find(({ type }) => type === SEGMENT.interpreter)
  const dynamic = readDynamic(bytes, segments)
  return {
    processor,
    ...(interpreter && { interpreter: text(bytes, interpreter.offset) }),
    needed: dynamic.all(TAG.needed).map((at) => text(bytes, dynamic.strings + at)),
    wanted: readWanted(bytes, dynamic),
    defined: readDefined(bytes, dynamic),
  }
}

function readSegments(bytes: Buffer): Segment[] {
  const [table, size, count] = [number(bytes, 32), bytes.readUInt16LE(54), bytes.readUInt16LE(56)]
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * size
    return {
      type: bytes.readUInt32LE(at),
      offset: number(bytes, at + 8),
      address: number(bytes, at + 16),
      size: number(bytes, at + 32),
    }
  })
}

interface Dynamic {
  all(tag: number): number[]
  /** Where in the file the table of a tag lies; undefined where there is none. */
  table(tag: number): number | undefined
  /** Where in the file the names lie. */
  readonly strings: number
}

function readDynamic(bytes: Buffer, segments: readonly Segment[]): Dynamic {
  const segment = segments.find(({ type }) => type === SEGMENT.dynamic)
  const entries: (readonly [tag: number, value: number])[] = []
  for (let at = segment?.offset ?? 0; at < (segment?.offset ?? 0) + (segment?.size ?? 0); at += 16) {
    const tag = number(bytes, at)
    if (tag === TAG.end) break
    entries.push([tag, number(bytes, at + 8)])
  }
  const all = (wanted: number) => entries.filter(([tag]) => tag === wanted).map(([, value]) => value)
  const table = (tag: number) => {
    const [address] = all(tag)
    const load = segments.find(
      ({ type, address: from, size }) =>
        type === SEGMENT.load && address !== undefined && address >= from && address < from + size,
    )
    return load === undefined || address === undefined ? undefined : address - load.address + load.offset
  }
  return { all, table, strings: table(TAG.strings) ?? 0 }
}

/** Elf64_Verneed: the file at +4, its first Elf64_Vernaux at +8, the next Verneed at +12; in Vernaux the name at +8. */
function readWanted(bytes: Buffer, { table, strings }: Dynamic): Map<string, string[]> {
  const wanted = new Map<string, string[]>()
  for (const need of chain(bytes, table(TAG.wanted), 12)) {
    const names = [...chain(bytes, need + bytes.readUInt32LE(need + 8), 12)]
    const library = text(bytes, strings + bytes.readUInt32LE(need + 4))
    wanted.set(
      library,
      names.map((at) => text(bytes, strings + bytes.readUInt32LE(at + 8))),
    )
  }
  return wanted
}

/** Elf64_Verdef: its first Elf64_Verdaux at +12, the next Verdef at +16; in Verdaux the name at +0. */
function readDefined(bytes: Buffer, { table, strings }: Dynamic): string[] {
  return [...chain(bytes, table(TAG.defined), 16)].map((at) => {
    const name = at + bytes.readUInt32LE(at + 12)
    return text(bytes, strings + bytes.readUInt32LE(name))
  })
}

/** The places of a linked list whose elements say, at `link`, how far away the next one is; 0 = the last. */
function* chain(bytes: Buffer, first: number | undefined, link: number): Generator<number> {
  let at = first
  while (at !== undefined) {
    yield at
    const distance = bytes.readUInt32LE(at + link)
    at = distance === 0 ? undefined : at + distance
  }
}

function number(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}

function text(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, bytes.indexOf(0, at))
}
