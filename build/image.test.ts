import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type TarEntry, tar } from '../runtime/tar.ts'
import { imageConfiguration, imageReference } from './image.ts'
import { ociArchive } from './oci.ts'

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex')
const ENTRIES: readonly TarEntry[] = [
  {
    kind: 'file',
    path: 'bin/tool',
    content: Buffer.from('#!'),
    mode: 0o755,
    attributes: { 'security.capability': CAPABILITY },
  },
  { kind: 'symlink', path: 'app/tool', target: '../bin/tool' },
  { kind: 'directory', path: 'tmp', mode: 0o1777 },
  { kind: 'file', path: `long/${'x'.repeat(80)}/${'y'.repeat(80)}`, content: Buffer.alloc(513, 'z') },
]

function withArchive<T>(archive: Buffer, use: (path: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'invar-tar-'))
  try {
    writeFileSync(join(directory, 'archive.tar'), archive)
    return use(join(directory, 'archive.tar'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

suite('tar', () => {
  test('is what GNU tar lists: modes, owner, links, long names', () => {
    const listing = withArchive(tar(ENTRIES), (path) =>
      execFileSync('tar', ['--numeric-owner', '-tvf', path], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } }),
    )
    const lines = listing
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '))
    assert.deepEqual(lines, [
      'lrwxrwxrwx 0/0 0 2000-01-01 00:00 app/tool -> ../bin/tool',
      '-rwxr-xr-x 0/0 2 2000-01-01 00:00 bin/tool',
      `-rw-r--r-- 0/0 513 2000-01-01 00:00 long/${'x'.repeat(80)}/${'y'.repeat(80)}`,
      'drwxrwxrwt 0/0 0 2000-01-01 00:00 tmp/',
    ])
  })

  test('carries file capabilities as extended attributes', () => {
    const archive = tar(ENTRIES)
    const at = archive.indexOf('SCHILY.xattr.security.capability=')
    // LENGTH counts the whole record: itself, a blank, the key, '=', 20 bytes of value and the newline.
    assert.equal(archive.subarray(at - 3, at).toString(), '57 ')
    assert.deepEqual(archive.subarray(at + 33, at + 53), CAPABILITY)
    assert.equal(archive[at + 53], 0x0a)
  })

  test('is the same for the same entries in any order', () => {
    assert.deepEqual(tar(ENTRIES), tar([...ENTRIES].reverse()))
  })
})

suite('image', () => {
  test('is an OCI layout whose blobs have the digests that name them', () => {
    const archive = ociArchive({ reference: 'example.test/a:1', entrypoint: ['/bin/tool'] }, [
      { platform: 'linux/amd64', entries: ENTRIES },
    ])
    withArchive(archive, (path) => {
      const read = (name: string) => execFileSync('tar', ['-xOf', path, name], { maxBuffer: 1 << 30 })
      const index = JSON.parse(String(read('index.json')))
      const manifest = JSON.parse(String(read(index.manifests[0].digest.replace('sha256:', 'blobs/sha256/'))))
      const layer = read(manifest.layers[0].digest.replace('sha256:', 'blobs/sha256/'))
      assert.equal(layer.length, manifest.layers[0].size)
      const names = withArchive(layer, (inner) => execFileSync('tar', ['-tf', inner], { encoding: 'utf8' }))
      assert.deepEqual(names.split('\n').slice(0, 4), ['app/', 'app/tool', 'bin/', 'bin/tool'])
      const config = JSON.parse(String(read(manifest.config.digest.replace('sha256:', 'blobs/sha256/'))))
      assert.deepEqual(config.rootfs.diff_ids, [manifest.layers[0].digest])
    })
  })

  test('for two platforms it is an index of two manifests, under one name', () => {
    const tiny = ['linux/amd64', 'linux/arm64'].map((platform) => ({ platform, entries: ENTRIES }))
    const archive = ociArchive({ ...imageConfiguration(), compressionLevel: 1 }, tiny)
    withArchive(archive, (path) => {
      const read = (name: string) => execFileSync('tar', ['-xOf', path, name], { maxBuffer: 1 << 30 })
      const json = (digest: string) => JSON.parse(String(read(digest.replace('sha256:', 'blobs/sha256/'))))
      const { manifests } = JSON.parse(String(read('index.json')))
      assert.equal(manifests.length, 1)
      assert.equal(manifests[0].annotations['io.containerd.image.name'], imageReference())
      const nested = json(manifests[0].digest).manifests
      const platforms = nested.map((each: { platform: { os: string; architecture: string } }) => each.platform)
      assert.deepEqual(platforms, [
        { architecture: 'amd64', os: 'linux' },
        { architecture: 'arm64', os: 'linux' },
      ])
      const { layers, config } = json(nested[1].digest)
      assert.equal(layers[0].mediaType, 'application/vnd.oci.image.layer.v1.tar+gzip')
      const layer = gunzipSync(read(layers[0].digest.replace('sha256:', 'blobs/sha256/')))
      assert.deepEqual(json(config.digest).rootfs.diff_ids, [
        `sha256:${createHash('sha256').update(layer).digest('hex')}`,
      ])
    })
  })

  test('has the same configuration in the Dockerfile', () => {
    const dockerfile = readFileSync(join(import.meta.dirname, '..', 'Dockerfile'), 'utf8')
    const { environment = {}, labels = {}, user } = imageConfiguration()
    const pairs = (of: Readonly<Record<string, string>>, quote: string) =>
      Object.entries(of).map(([name, value]) => `${name}=${quote}${value}${quote}`)
    assert.ok(dockerfile.includes(`\nENV ${pairs(environment, '').join(' ')}\n`))
    assert.ok(dockerfile.includes(`\nLABEL ${pairs(labels, '"').join(' ')}\n`))
    assert.ok(dockerfile.includes(`\nUSER ${user}\n`))
    assert.ok(existsSync(join(import.meta.dirname, '..', '.dockerignore')))
  })
})
