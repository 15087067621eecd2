/**
 * The project's container image, without an engine: `out/image.tar`, an OCI archive.
 *
 *   node build/image.ts               writes the archive and prints its size
 *   node build/image.ts --tree DIR    writes the same files into a folder (for the Dockerfile)
 *
 * In it: the pinned Node, the bundled programs, the addon, the shared libraries that these need. No shell, no package
 * manager, no other program. The same inputs give the same bytes.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { VERSION } from '../runtime/version.ts'
import { filesOf, imageComponents } from './image-components.ts'
import { type ImageOptions, ociArchive } from './oci.ts'
import { ownPlatform } from './platform.ts'
import { asProgram } from './progress.ts'
import { toolchainFor } from './toolchain.ts'

const ROOT = join(import.meta.dirname, '..')
export const IMAGE_FILE = join(ROOT, 'out', 'image.tar')

/** As deploy/ names it. */
export function imageReference(): string {
  return `invar.dev/invar:${VERSION}`
}

/** Everything about the image but its files. The command is found on PATH: `controller`, `speaker` or `invarctl`. */
export function imageConfiguration(): ImageOptions {
  return {
    reference: imageReference(),
    entrypoint: [],
    user: '65532:65532',
    environment: { PATH: '/app/bin:/bin', INVAR_NATIVE: '/app/native/invar.node', NODE_ENV: 'production' },
    labels: {
      'org.opencontainers.image.title': 'Invar',
      'org.opencontainers.image.version': VERSION,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    },
  }
}

/** Bundles the programs and writes `out/image.tar`, for this machine's processor; returns its path. */
export async function buildImage(): Promise<string> {
  const platform = ownPlatform()
  const entries = filesOf(await imageComponents(toolchainFor(platform)))
  const archive = ociArchive(imageConfiguration(), [{ platform, entries }])
  mkdirSync(dirname(IMAGE_FILE), { recursive: true })
  // Renamed when whole: somebody may be loading the old one.
  const unfinished = `${IMAGE_FILE}.${process.pid}`
  writeFileSync(unfinished, archive)
  renameSync(unfinished, IMAGE_FILE)
  return IMAGE_FILE
}

/** Bundles the programs and writes the image's files into a folder; capabilities are left to `setcap`, which needs root. */
export async function buildTree(directory: string): Promise<void> {
  for (const entry of filesOf(await imageComponents(toolchainFor(ownPlatform())))) {
    const path = join(directory, entry.path)
    mkdirSync(entry.kind === 'directory' ? path : dirname(path), { recursive: true })
    if (entry.kind === 'file') writeFileSync(path, entry.content)
    if (entry.kind === 'symlink') symlinkSync(entry.target, path)
    else chmodSync(path, entry.mode ?? 0o755)
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { tree: { type: 'string' }, gzip: { type: 'boolean' } } })
  if (values.tree !== undefined) {
    await buildTree(values.tree)
    return
  }
  const archive = readFileSync(await buildImage())
  const compressed = values.gzip ? `, ${megabytes(gzipSync(archive).length)} compressed` : ''
  console.log(`${imageReference()}: out/image.tar, ${megabytes(archive.length)}${compressed}`)
}

if (import.meta.main) await asProgram(main)
