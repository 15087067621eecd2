import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readElf } from './elf.ts'
import { ownLibraries, sharedLibraries } from './libraries.ts'

const node = readFileSync(process.execPath)

test('the Node that runs this is for this processor, starts by a loader and needs the C library', () => {
  const { processor, interpreter, needed, wanted } = readElf(node)
  assert.equal(processor, process.arch)
  assert.match(interpreter ?? '', /^\/lib.*\/ld-linux-/)
  assert.ok(needed.includes('libc.so.6'))
  assert.ok(wanted.get('libc.so.6')?.every((version) => version.startsWith('GLIBC_')))
})

test('the libraries of a program are found with what they need themselves, the loader where programs name it', () => {
  const libraries = sharedLibraries([node], ownLibraries())
  const paths = libraries.map(({ path }) => path)
  assert.ok(paths.includes(readElf(node).interpreter!.slice(1)), paths.join(' '))
  const names = new Set(paths.map((path) => path.replace(/^.*\//, '')))
  for (const { path, elf } of libraries) for (const name of elf.needed) assert.ok(names.has(name), `${path}: ${name}`)
  assert.equal(names.size, paths.length, 'a library twice')
})

test('what is no ELF file, or of a processor that no image is for, is refused', () => {
  assert.throws(() => readElf(Buffer.alloc(64)), /no 64-bit ELF file/)
  const other = Buffer.from(node.subarray(0, 4096))
  other.writeUInt16LE(243, 18)
  assert.throws(() => readElf(other), /processor 243/)
})
