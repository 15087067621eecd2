/**
 * Everything that a release consists of, in `dist/`: `make release`, or `node build/release.ts [--url=BASE]`.
 *
 * The image for both platforms (an OCI archive), a bill of materials for each, the chart, the plain manifests, the command
 * line, and the checksums of all these. With --url, the address that the files will be fetched from, also a manifest for
 * krew, kubectl's plugin manager. Nothing is pushed. The same commit on the same Debian release gives the same bytes.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { tar } from '../runtime/tar.ts'
import { VERSION } from '../runtime/version.ts'
import { CHART } from './chart.ts'
import { portableCommandLine, standaloneCommandLine } from './command-line.ts'
import { type Component, fileEntry } from './component.ts'
import { imageConfiguration, imageReference } from './image.ts'
import { filesOf, imageComponents } from './image-components.ts'
import { krewManifest } from './krew.ts'
import { ociArchive } from './oci.ts'
import { architectureOf, PLATFORMS, type Platform } from './platform.ts'
import { asProgram } from './progress.ts'
import { sbom } from './sbom.ts'
import { toolchainFor } from './toolchain.ts'

const ROOT = join(import.meta.dirname, '..')

export interface ReleaseOptions {
  /** Emptied first. */
  readonly directory: string
  readonly platforms: readonly Platform[]
  /** Where people will fetch the files from. */
  readonly url?: string
  /** Of gzip; tests take the fastest. */
  readonly compressionLevel: number
  /** Seconds since 1970. */
  readonly createdAt?: number
  /** The commit. */
  readonly revision?: string
  /** Told each file's name when it is written. */
  readonly onFile: (name: string, bytes: number) => void
}

/** Builds and writes all of it. */
export async function buildRelease(options: ReleaseOptions): Promise<void> {
  rmSync(options.directory, { recursive: true, force: true })
  mkdirSync(options.directory, { recursive: true })
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(options.directory, name), content)
    options.onFile(name, Buffer.byteLength(content))
  }
  const gzip = (content: Buffer) => gzipSync(content, { level: options.compressionLevel })
  const images = new Map<Platform, Component[]>()
  for (const platform of options.platforms) images.set(platform, await imageComponents(toolchainFor(platform)))
  write(`invar-${VERSION}-image.tar`, imageArchive(options, images))
  for (const [platform, components] of images) {
    const name = `linux-${architectureOf(platform)}`
    write(`invar-${VERSION}-${name}.cdx.json`, sbomOf(options, platform, components))
    write(`invarctl-${VERSION}-${name}.tar.gz`, gzip(tar(standaloneCommandLine(components))))
  }
  write(`invarctl-${VERSION}.tar.gz`, gzip(tar(portableCommandLine([...images.values()][0]!))))
  write(`invar-${VERSION}.tgz`, gzip(chartArchive()))
  write(`invar-${VERSION}.yaml`, manifests())
  if (options.url !== undefined) write('krew.yaml', krewManifest(options.url, digests(options.directory)))
  const sums = Object.entries(digests(options.directory)).map(([name, digest]) => `${digest}  ${name}\n`)
  write('SHA256SUMS', sums.join(''))
}

function imageArchive(options: ReleaseOptions, images: ReadonlyMap<Platform, readonly Component[]>): Buffer {
  const { createdAt, revision, compressionLevel } = options
  const configuration = imageConfiguration()
  const labels = {
    ...configuration.labels,
    ...(revision !== undefined && { 'org.opencontainers.image.revision': revision }),
  }
  const all = { ...configuration, labels, compressionLevel, ...(createdAt !== undefined && { createdAt }) }
  const files = [...images].map(([platform, components]) => ({ platform, entries: filesOf(components) }))
  return ociArchive(all, files)
}

function sbomOf({ createdAt }: ReleaseOptions, platform: Platform, components: readonly Component[]): string {
  const image = imageReference().split(':')[0]!
  return sbom({ image, version: VERSION, platform, components, ...(createdAt !== undefined && { createdAt }) })
}

/** As `helm package` makes it, which would put the time of the day into it. */
function chartArchive(): Buffer {
  const paths = globSync('**', { cwd: CHART }).filter((path) => statSync(join(CHART, path)).isFile())
  return tar(paths.map((path) => fileEntry(`invar/${path}`, readFileSync(join(CHART, path)))))
}

/** As `kubectl kustomize deploy/` prints them, in an order in which they can be applied. */
function manifests(): string {
  const paths = ['deploy/namespace.yaml', ...globSync('crds/*.yaml', { cwd: ROOT }).sort(), 'deploy/invar.yaml']
  const wanted = paths.filter((path) => !path.endsWith('kustomization.yaml'))
  return wanted
    .map(
      (path) =>
        `---\n${readFileSync(join(ROOT, path), 'utf8')
          .replace(/^(#.*\n)*---\n/, '')
          .trimEnd()}\n`,
    )
    .join('')
}

/** File → its SHA-256, of all that is there. */
function digests(directory: string): Record<string, string> {
  const digest = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(directory, name)))
      .digest('hex')
  return Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((name) => [name, digest(name)]),
  )
}

/** What git says of the sources; nothing where they are in no repository. */
function commit(): Pick<ReleaseOptions, 'createdAt' | 'revision'> & { readonly changed: string } {
  const git = (...args: string[]) => {
    try {
      return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    } catch {
      // No git, or no repository: an unpacked archive of the sources.
      return ''
    }
  }
  const [revision, time] = git('show', '--no-patch', '--format=%H %ct', 'HEAD').split(' ')
  const epoch = process.env.SOURCE_DATE_EPOCH ?? time
  return {
    ...(epoch && { createdAt: Number(epoch) }),
    ...(revision && { revision }),
    changed: git('status', '--porcelain', '--untracked-files=no'),
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: 'string' } } })
  const directory = join(ROOT, 'dist')
  const { changed, ...origin } = commit()
  if (changed !== '') console.log(`not committed, yet in this release:\n${changed}`)
  console.log(`Invar ${VERSION} for ${PLATFORMS.join(' and ')}: about a minute`)
  const onFile = (name: string, bytes: number) => console.log(`  dist/${name.padEnd(36)} ${megabytes(bytes)}`)
  const url = values.url === undefined ? {} : { url: values.url }
  await buildRelease({ directory, platforms: PLATFORMS, compressionLevel: 9, onFile, ...origin, ...url })
  console.log('\nverify with: cd dist && sha256sum --check SHA256SUMS')
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 1).padStart(7)} MB`
}

if (import.meta.main) await asProgram(main)
