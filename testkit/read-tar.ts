/** Reads tar archives as GNU and Go tar do: what runtime/tar.ts writes, and other tools' with long names as pax records. */
import type { TarEntry } from '../runtime/tar.ts'

const BLOCK = 512

/** The entries in the order of the archive; throws on a kind that no image of ours has. */
export function readTar(archive: Buffer): TarEntry[] {
  const entries: TarEntry[] = []
  let attributes: Record<string, Uint8Array> = {}
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + BLOCK)
    const size = octal(header, 124, 12)
    const content = archive.subarray(at + BLOCK, at + BLOCK + size)
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    const type = text(header, 156, 1)
    if (type === 'x') attributes = readAttributes(content)
    else entries.push(entryOf(type, header, content, attributes))
    if (type !== 'x') attributes = {}
  }
  return entries
}

function entryOf(
  type: string,
  header: Buffer,
  content: Buffer,
  attributes: Readonly<Record<string, Uint8Array>>,
): TarEntry {
  const [prefix, name] = [text(header, 345, 155), text(header, 0, 100)]
  const path = (prefix === '' ? name : `${prefix}/${name}`).replace(/\/$/, '')
  const mode = octal(header, 100, 8)
  if (type === '5') return { kind: 'directory', path, mode }
  if (type === '2') return { kind: 'symlink', path, target: text(header, 157, 100) }
  if (type !== '0') throw new Error(`${path} is of kind ${type}`)
  return { kind: 'file', path, content, mode, attributes }
}

/** `LENGTH KEY=VALUE\n`; of the keys only extended attributes. */
function readAttributes(records: Buffer): Record<string, Uint8Array> {
  const attributes: Record<string, Uint8Array> = {}
  for (let at = 0; at < records.length; ) {
    const length = Number.parseInt(records.toString('latin1', at, at + 10), 10)
    const record = records.subarray(records.indexOf(' ', at) + 1, at + length - 1)
    const [key] = record.toString('latin1').split('=', 1)
    if (key!.startsWith('SCHILY.xattr.')) attributes[key!.slice(13)] = record.subarray(key!.length + 1)
    at += length
  }
  return attributes
}

function octal(header: Buffer, at: number, width: number): number {
  return Number.parseInt(text(header, at, width), 8)
}

function text(header: Buffer, at: number, width: number): string {
  return header.toString('utf8', at, at + width).replace(/\0.*$/s, '')
}
