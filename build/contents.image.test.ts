/** What is in the image, for both platforms: looked up in its layers, not in what the builder meant to put there. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { Ajv } from 'ajv'
import type { TarEntry } from '../runtime/tar.ts'
import { VERSION } from '../runtime/version.ts'
import { require } from '../testkit/privilege.ts'
import { readTar } from '../testkit/read-tar.ts'
import { allOf, type Component } from './component.ts'
import { readElf } from './elf.ts'
import { hasForeign } from './foreign.ts'
import { imageConfiguration } from './image.ts'
import { filesOf, imageComponents } from './image-components.ts'
import { ociArchive } from './oci.ts'
import { ownPlatform, PLATFORMS, type Platform, PROCESSOR, TRIPLE } from './platform.ts'
import { sbom } from './sbom.ts'
import { toolchainFor } from './toolchain.ts'

type FileEntry = Extract<TarEntry, { kind: 'file' }>

interface Image {
  readonly platform: Platform
  readonly components: readonly Component[]
  readonly archive: Buffer
  readonly configuration: { readonly architecture: string; readonly config: Readonly<Record<string, unknown>> }
  readonly entries: readonly TarEntry[]
  readonly files: ReadonlyMap<string, FileEntry>
}

const built = new Map<Platform, Promise<Image>>()

/** Built once; undefined where the test is skipped because what the other platform takes is not there. */
function imageFor(t: TestContext, platform: Platform): Promise<Image> | undefined {
  const remedy = `needs what images for ${platform} are made with: run \`node build/prepare.ts foreign\` as root`
  if (platform !== ownPlatform() && !require(t, hasForeign(platform), remedy)) return undefined
  const image = built.get(platform) ?? build(platform)
  built.set(platform, image)
  return image
}

async function build(platform: Platform): Promise<Image> {
  const components = await imageComponents(toolchainFor(platform))
  const archive = ociArchive(imageConfiguration(), [{ platform, entries: filesOf(components) }])
  const outer = new Map(readTar(archive).map((entry) => [entry.path, entry]))
  const blob = (digest: string) => contentOf(outer.get(`blobs/${digest.replace(':', '/')}`))
  const json = (digest: string) => JSON.parse(String(blob(digest)))
  const index = JSON.parse(String(contentOf(outer.get('index.json'))))
  const manifest = json(index.manifests[0].digest)
  assert.equal(manifest.layers.length, 1)
  const entries = readTar(blob(manifest.layers[0].digest))
  const files = new Map(entries.filter((entry) => entry.kind === 'file').map((entry) => [entry.path, entry]))
  return { platform, components, archive, configuration: json(manifest.config.digest), entries, files }
}

function contentOf(entry: TarEntry | undefined): Buffer {
  assert.ok(entry?.kind === 'file')
  return Buffer.from(entry.content.buffer, entry.content.byteOffset, entry.content.length)
}

/** A path without what differs between platforms. */
function neutral(platform: Platform, path: string): string {
  return path.replace(TRIPLE[platform], 'TRIPLE').replace(/^lib(64)?\/ld-linux-.*$/, 'LOADER')
}

/** All that there is but licences. Whoever adds to it adds here. */
const EXPECTED = [
  'LOADER',
  ...['controller', 'invarctl', 'speaker'].map((name) => `app/bin/${name}`),
  ...['cli/main.js', 'controller/main.js', 'native/invar.node'].map((name) => `app/${name}`),
  ...['build/Release/raw.node', 'index.js', 'package.json'].map((name) => `app/node_modules/raw-socket/${name}`),
  ...['package.json', 'runtime/self-signed-thread.js'].map((name) => `app/${name}`),
  ...['main.js', 'wire/thread.js'].map((name) => `app/speaker/${name}`),
  'bin/node',
  ...['group', 'passwd', 'ssl/certs/ca-certificates.crt'].map((name) => `etc/${name}`),
  ...['atomic.so.1', 'c.so.6', 'dl.so.2', 'gcc_s.so.1', 'm.so.6', 'pthread.so.0', 'stdc++.so.6'].map(
    (name) => `lib/TRIPLE/lib${name}`,
  ),
]
const FORBIDDEN = /(^|\/)((ba|da|a|k|z|c)?sh|busybox|apt(-get)?|dpkg|apk|rpm|npm|npx|corepack|yarn|su|sudo|curl|wget)$/

for (const platform of PLATFORMS) {
  suite(`the image for ${platform}`, () => {
    test('has these files and no others, so no shell and no package manager', async (t) => {
      const image = await imageFor(t, platform)
      if (image === undefined) return
      const paths = image.entries.filter(({ kind }) => kind !== 'directory').map(({ path }) => path)
      assert.deepEqual(
        paths.filter((path) => FORBIDDEN.test(path)),
        [],
      )
      const own = paths.filter((path) => !path.startsWith('licenses/')).map((path) => neutral(platform, path))
      assert.deepEqual(own.sort(), EXPECTED.toSorted())
      t.diagnostic(`${(image.archive.length / 1e6).toFixed(1)} MB`)
      assert.ok(image.archive.length < 150e6)
    })

    test('is not root; nothing is setuid or can be written by it but /tmp', async (t) => {
      const image = await imageFor(t, platform)
      if (image === undefined) return
      assert.equal(image.configuration.config.User, '65532:65532')
      const modes = image.entries.flatMap((entry) =>
        entry.kind === 'symlink' ? [] : [[entry.path, entry.mode!] as const],
      )
      const loose = modes
        .filter(([, mode]) => (mode & 0o7022) !== 0)
        .map(([path, mode]) => `${mode.toString(8)} ${path}`)
      assert.deepEqual(loose, ['1777 tmp'])
    })

    test("the speaker's launcher alone has capabilities", async (t) => {
      const image = await imageFor(t, platform)
      if (image === undefined) return
      const capable = [...image.files.values()].filter(({ attributes }) => Object.keys(attributes ?? {}).length > 0)
      assert.deepEqual(
        capable.map(({ path, attributes }) => [path, Object.keys(attributes!)]),
        [['app/bin/speaker', ['security.capability']]],
      )
      // struct vfs_cap_data: the revision, permitted, inheritable. Bit 13 is NET_RAW, bit 10 NET_BIND_SERVICE.
      const value = Buffer.from(capable[0]!.attributes!['security.capability']!)
      assert.deepEqual([value.readUInt32LE(0), value.readUInt32LE(4), value.readUInt32LE(8)], [0x0200_0000, 0x2400, 0])
    })

    test('programs and libraries are of its processor, and load what is there in versions that it has', async (t) => {
      const image = await imageFor(t, platform)
      if (image === undefined) return
      const binaries = [...image.files.values()].filter((file) => contentOf(file).readUInt32BE(0) === 0x7f454c46)
      const elves = new Map(binaries.map((file) => [file.path, readElf(contentOf(file))]))
      const libraries = new Map([...elves].map(([path, elf]) => [basename(path), { ...elf, folder: dirname(path) }]))
      assert.ok(elves.size > 10, `${elves.size} programs and libraries`)
      for (const [path, elf] of elves) {
        assert.equal(elf.processor, PROCESSOR[platform], path)
        if (elf.interpreter) assert.ok(elves.has(elf.interpreter.slice(1)), `${path}: ${elf.interpreter}`)
        for (const name of elf.needed) assert.ok(libraries.has(name), `${path}: ${name}`)
        for (const [name, versions] of elf.wanted) {
          for (const version of versions) {
            assert.ok(libraries.get(name)!.defined.includes(version), `${path}: ${name} has no ${version}`)
          }
        }
      }
      const static_ = ['app/bin/controller', 'app/bin/speaker'].map((path) => elves.get(path)!)
      for (const { interpreter, needed } of static_) assert.deepEqual([interpreter, needed], [undefined, []])
    })

    test('every file belongs to one component, and every component of npm brings the text of its licence', async (t) => {
      const image = await imageFor(t, platform)
      if (image === undefined) return
      const paths = image.entries.filter(({ kind }) => kind !== 'directory').map(({ path }) => path)
      const owned = allOf(image.components).flatMap(({ files }) => files.filter(({ kind }) => kind !== 'directory'))
      assert.deepEqual(owned.map(({ path }) => path).sort(), paths.sort())
      for (const { name, url, licence, files } of allOf(image.components)) {
        if (!url?.startsWith('pkg:npm/')) continue
        assert.ok(licence, `${name} has no licence`)
        const text = files.find(({ path }) => path.startsWith('licenses/'))
        assert.match(String(contentOf(text)), /copyright|public domain/i, `${name}: no text of a licence`)
      }
    })

    test('its bill of materials is CycloneDX 1.6 and names every file with its digest', async (t) => {
      const image = await imageFor(t, platform)
      if (image === undefined) return
      const document = billOf(image)
      assertValid(document)
      const listed = new Map(filesIn(document).map((file) => [file.name.slice(1), file.hashes?.[0]?.content]))
      for (const [path, file] of image.files) {
        assert.equal(listed.get(path), createHash('sha256').update(contentOf(file)).digest('hex'), path)
      }
      const links = image.entries.filter(({ kind }) => kind === 'symlink')
      assert.equal(listed.size, image.files.size + links.length)
      const references = referencesIn(document)
      assert.equal(new Set(references).size, references.length, 'a reference of two components')
      const related = document.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn])
      assert.deepEqual(
        related.filter((each) => each !== 'image' && !references.includes(each)),
        [],
      )
    })

    test('its bill of materials has the versions of the lock file, and licences for all but what Node has inside', async (t) => {
      const image = await imageFor(t, platform)
      if (image === undefined) return
      const lock = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8'))
      const locked = new Set(
        Object.entries<{ version: string }>(lock.packages).map(([path, { version }]) =>
          [path.replace(/^.*node_modules\//, ''), version].join('@'),
        ),
      )
      const all = allOf(image.components)
      const fromNpm = all.filter(({ url }) => url?.startsWith('pkg:npm/'))
      assert.ok(fromNpm.length > 20, `${fromNpm.length} packages`)
      assert.deepEqual(
        fromNpm.map(({ name, version }) => `${name}@${version}`).filter((each) => !locked.has(each)),
        [],
      )
      const insideNode = new Set(image.components.find(({ name }) => name === 'node')!.inside)
      assert.deepEqual(
        all.filter((component) => !insideNode.has(component) && !component.licence).map(({ name }) => name),
        [],
      )
      for (const name of ['node', 'openssl', 'libc6', 'libstdc++6', 'raw-socket', 'nan', 'invar']) {
        assert.ok(
          all.some((component) => component.name === name && component.version),
          name,
        )
      }
    })
  })
}

test('both images have the same files but those that are named after the processor', async (t) => {
  const images = await Promise.all(PLATFORMS.map((platform) => imageFor(t, platform)))
  const [first, second] = images.map((image) => image?.entries.map(({ path }) => neutral(image.platform, path)).sort())
  if (first === undefined || second === undefined) return
  const isFolder = (path: string) => /^lib64$|-cross|^licenses\/debian/.test(path)
  assert.deepEqual(
    first.filter((path) => !isFolder(path)),
    second.filter((path) => !isFolder(path)),
  )
})

interface Described {
  readonly type: string
  readonly name: string
  readonly 'bom-ref'?: string
  readonly hashes?: readonly { readonly content: string }[]
  readonly components?: readonly Described[]
}

interface Bill {
  readonly components: readonly Described[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

function billOf({ platform, components }: Image): Bill {
  return JSON.parse(
    sbom({ image: 'invar.dev/invar', version: VERSION, platform, components, createdAt: 1_000_000_000 }),
  )
}

function filesIn({ components = [] }: { readonly components?: readonly Described[] }): Described[] {
  return components.flatMap((each) => (each.type === 'file' ? [each] : filesIn(each)))
}

function referencesIn({ components = [] }: { readonly components?: readonly Described[] }): string[] {
  return components.flatMap((each) => [...(each['bom-ref'] ? [each['bom-ref']] : []), ...referencesIn(each)])
}

/** The published schema; that dates and addresses are well formed is left to it as far as it has patterns. */
function assertValid(document: unknown): void {
  const read = (name: string) =>
    JSON.parse(readFileSync(join(import.meta.dirname, 'cyclonedx', `${name}.schema.json`), 'utf8'))
  const ajv = new Ajv({ strict: false, validateFormats: false, schemas: [read('spdx'), read('jsf-0.82')] })
  const validate = ajv.compile(read('bom-1.6'))
  assert.ok(validate(document), ajv.errorsText(validate.errors))
}
