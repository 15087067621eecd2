/** Container images without an engine: an OCI image layout is a tar of a few JSON files and the layers. */
import { createHash } from 'node:crypto'
import { type TarEntry, tar } from '../runtime/tar.ts'

export interface ImageOptions {
  /** Full reference, `ghcr.io/owner/name:tag`. */
  readonly reference: string
  readonly entries: readonly TarEntry[]
  readonly entrypoint: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** `uid:gid` */
  readonly user?: string
  readonly workingDirectory?: string
  /** Node's name of the processor; default this machine's. */
  readonly processor?: NodeJS.Architecture
}

const ARCHITECTURE: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' }
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

interface Blob {
  readonly content: Buffer
  readonly digest: string
}

/** The image as one tar, as `ctr image import`, `docker load` and `skopeo copy oci-archive:` take it. */
export function ociArchive(options: ImageOptions): Buffer {
  const layer = blob(tar(withParents(options.entries)))
  const platform = { architecture: ARCHITECTURE[options.processor ?? process.arch] ?? process.arch, os: 'linux' }
  const config = json({
    ...platform,
    config: {
      Entrypoint: options.entrypoint,
      Env: Object.entries(options.environment ?? {}).map(([name, value]) => `${name}=${value}`),
      User: options.user ?? '0:0',
      WorkingDir: options.workingDirectory ?? '/',
    },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  })
  const manifest = json({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(CONFIG, config),
    layers: [descriptor(LAYER, layer)],
  })
  const annotations = {
    'io.containerd.image.name': options.reference,
    'org.opencontainers.image.ref.name': options.reference.split(':').at(-1)!,
  }
  const index = json({ schemaVersion: 2, manifests: [{ ...descriptor(MANIFEST, manifest), annotations, platform }] })
  const blobs = [layer, config, manifest]
  return tar([
    { kind: 'file', path: 'oci-layout', content: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
    { kind: 'file', path: 'index.json', content: index.content },
    { kind: 'directory', path: 'blobs' },
    { kind: 'directory', path: 'blobs/sha256' },
    ...blobs.map(({ digest, content }) => ({ kind: 'file', path: blobPath(digest), content }) as const),
  ])
}

/** Adds the folders that files lie in: an image without them unpacks with folders of unspecified mode. */
function withParents(entries: readonly TarEntry[]): TarEntry[] {
  const known = new Set(entries.map((entry) => entry.path))
  const parents = new Set<string>()
  for (const { path } of entries) {
    const parts = path.split('/')
    for (let depth = 1; depth < parts.length; depth++) parents.add(parts.slice(0, depth).join('/'))
  }
  const missing = [...parents].filter((path) => !known.has(path))
  return [...entries, ...missing.map((path) => ({ kind: 'directory', path }) as const)]
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

function blob(content: Buffer): Blob {
  return { content, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` }
}

function json(value: unknown): Blob {
  return blob(Buffer.from(JSON.stringify(value)))
}

function descriptor(mediaType: string, { content, digest }: Blob) {
  return { mediaType, digest, size: content.length }
}
