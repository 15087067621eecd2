/** Tar archives (POSIX.1-2001, "pax") with nothing in them that changes from one build to the next. */

export type TarEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode?: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'file'
      readonly path: string
      readonly content: Uint8Array
      readonly mode?: number
      /** Extended attributes, such as `security.capability`. */
      readonly attributes?: Readonly<Record<string, Uint8Array>>
    }

const BLOCK = 512
/** 2000-01-01: old enough for every clock, and not the zero that some tools take for "unknown". */
const MODIFIED = 946_684_800
const TYPE = { file: '0', symlink: '2', directory: '5', pax: 'x' } as const

/** The archive, entries sorted by path; owner is root, times are fixed. Paths are relative, without `./`. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))
  return Buffer.concat([...sorted.flatMap(blocksOf), Buffer.alloc(2 * BLOCK)])
}

function blocksOf(entry: TarEntry): Buffer[] {
  switch (entry.kind) {
    case 'directory':
      return [header({ path: `${entry.path}/`, type: TYPE.directory, mode: entry.mode ?? 0o755, size: 0 })]
    case 'symlink':
      return [header({ path: entry.path, type: TYPE.symlink, mode: 0o777, size: 0, target: entry.target })]
    case 'file': {
      const own = header({ path: entry.path, type: TYPE.file, mode: entry.mode ?? 0o644, size: entry.content.length })
      return [...attributeBlocks(entry.path, entry.attributes ?? {}), own, ...padded(entry.content)]
    }
  }
}

/** Extended attributes go into a pax header in front, one record each, under the prefix that GNU and Go tar read. */
function attributeBlocks(path: string, attributes: Readonly<Record<string, Uint8Array>>): Buffer[] {
  const records = Object.entries(attributes).map(([name, value]) => paxRecord(`SCHILY.xattr.${name}`, value))
  if (records.length === 0) return []
  const content = Buffer.concat(records)
  return [header({ path: `PaxHeaders/${path}`, type: TYPE.pax, mode: 0o644, size: content.length }), ...padded(content)]
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function paxRecord(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function padded(content: Uint8Array): Buffer[] {
  const over = content.length % BLOCK
  const whole = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  return over === 0 ? [whole] : [whole, Buffer.alloc(BLOCK - over)]
}

interface Header {
  readonly path: string
  readonly type: string
  readonly mode: number
  readonly size: number
  readonly target?: string
}

function header({ path, type, mode, size, target = '' }: Header): Buffer {
  const [prefix, name] = splitPath(path)
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'ascii')
  block.write(name, 0)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(MODIFIED, 136, 12)
  block.fill(' ', 148, 156)
  block.write(type, 156)
  block.write(target, 157)
  block.write('ustar\x0000', 257)
  block.write(prefix, 345)
  const checksum = block.reduce((sum, byte) => sum + byte, 0)
  block.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii')
  return block
}

function splitPath(path: string): [string, string] {
  if (Buffer.byteLength(path) <= 100) return ['', path]
  const slash = path.indexOf('/', path.length - 101)
  if (slash < 0 || slash > 155) throw new Error(`path too long for a tar header: ${path}`)
  return [path.slice(0, slash), path.slice(slash + 1)]
}
