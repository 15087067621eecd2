/** Container images without an engine: an OCI image layout is a tar of a few JSON files and the layers. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type TarEntry, tar } from '../runtime/tar.ts'

export interface ImageOptions {
  /** Full reference, `ghcr.io/owner/name:tag`. */
  readonly reference: string
  readonly entrypoint: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** `uid:gid` */
  readonly user?: string
  readonly workingDirectory?: string
  readonly labels?: Readonly<Record<string, string>>
  /** Seconds since 1970. */
  readonly createdAt?: number
  /** Of gzip, by which layers are compressed, which takes some seconds each; without it they are not. */
  readonly compressionLevel?: number
}

/** The files for one platform, `linux/amd64`. */
export interface PlatformFiles {
  readonly platform: string
  readonly entries: readonly TarEntry[]
}

const INDEX = 'application/vnd.oci.image.index.v1+json'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

interface Blob {
  readonly content: Buffer
  readonly digest: string
}

/** An image for one or more platforms as one tar, as `ctr image import`, `docker load` and `skopeo copy oci-archive:` take it. */
export function ociArchive(options: ImageOptions, files: readonly PlatformFiles[]): Buffer {
  const images = files.map((each) => imageOf(options, each))
  const manifests = images.map(({ manifest, platform }) => ({ ...descriptor(MANIFEST, manifest), platform }))
  const nested = json({ schemaVersion: 2, mediaType: INDEX, manifests })
  const isMany = images.length > 1
  const annotations = {
    'io.containerd.image.name': options.reference,
    'org.opencontainers.image.ref.name': options.reference.split(':').at(-1)!,
  }
  // With one platform the name is the manifest's; with several it is that of the index of their manifests.
  const named = isMany ? descriptor(INDEX, nested) : manifests[0]!
  const index = json({ schemaVersion: 2, manifests: [{ ...named, annotations }] })
  const blobs = images.flatMap(({ layer, config, manifest }) => [layer, config, manifest])
  if (isMany) blobs.push(nested)
  // Once each: two platforms may have the same layer.
  const byDigest = new Map(blobs.map((each) => [each.digest, each.content]))
  return tar([
    { kind: 'file', path: 'oci-layout', content: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
    { kind: 'file', path: 'index.json', content: index.content },
    { kind: 'directory', path: 'blobs' },
    { kind: 'directory', path: 'blobs/sha256' },
    ...[...byDigest].map(([digest, content]) => ({ kind: 'file', path: blobPath(digest), content }) as const),
  ])
}

function imageOf(options: ImageOptions, files: PlatformFiles) {
  const [os, architecture] = files.platform.split('/')
  const platform = { architecture, os }
  const plain = blob(tar(withParents(files.entries)))
  const { compressionLevel: level } = options
  const layer = level === undefined ? plain : blob(gzipSync(plain.content, { level }))
  const config = json({
    ...(options.createdAt !== undefined && { created: new Date(options.createdAt * 1000).toISOString() }),
    ...platform,
    config: {
      Entrypoint: options.entrypoint,
      Env: Object.entries(options.environment ?? {}).map(([name, value]) => `${name}=${value}`),
      User: options.user ?? '0:0',
      WorkingDir: options.workingDirectory ?? '/',
      ...(options.labels && { Labels: options.labels }),
    },
    rootfs: { type: 'layers', diff_ids: [plain.digest] },
  })
  const manifest = json({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(CONFIG, config),
    layers: [descriptor(level === undefined ? LAYER : `${LAYER}+gzip`, layer)],
  })
  return { platform, layer, config, manifest }
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
