/** What `make release` leaves in dist/, for this machine's platform: each file is used as its reader will use it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { VERSION } from '../runtime/version.ts'
import { require } from '../testkit/privilege.ts'
import { helmPath, programPath } from '../testkit/programs.ts'
import { readTar } from '../testkit/read-tar.ts'
import { CHART } from './chart.ts'
import { standaloneCommandLine } from './command-line.ts'
import { imageComponents } from './image-components.ts'
import { architectureOf, ownPlatform } from './platform.ts'
import { buildRelease } from './release.ts'
import { toolchainFor } from './toolchain.ts'

const ROOT = join(import.meta.dirname, '..')
const LINUX = `linux-${architectureOf(ownPlatform())}`
const REVISION = '0123456789abcdef0123456789abcdef01234567'
const URL_OF_RELEASE = 'https://downloads.example/v0/'

suite('a release', { timeout: 240_000 }, () => {
  let scratch: string
  let directory: string
  const told: string[] = []

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'invar-release-'))
    directory = join(scratch, 'dist')
    await buildRelease({
      ...{ directory, platforms: [ownPlatform()], compressionLevel: 1, url: URL_OF_RELEASE },
      ...{ createdAt: 1_000_000_000, revision: REVISION, onFile: (name) => told.push(name) },
    })
  })
  after(() => rmSync(scratch, { recursive: true, force: true }))

  function unpack(name: string): string {
    const folder = join(scratch, name.replace(/\.tar\.gz$/, ''))
    mkdirSync(folder)
    execFileSync('tar', ['-xzf', join(directory, name), '-C', folder])
    return folder
  }

  /** With nothing of this machine's on PATH but what is given. */
  function run(program: string, path: string, ...args: string[]): string {
    return execFileSync(program, args, { env: { PATH: path }, encoding: 'utf8' })
  }

  test('consists of these files, and tells of each', () => {
    const expected = [
      'SHA256SUMS',
      `invar-${VERSION}-${LINUX}.cdx.json`,
      `invar-${VERSION}-image.tar`,
      `invar-${VERSION}.tgz`,
      `invar-${VERSION}.yaml`,
      `invarctl-${VERSION}-${LINUX}.tar.gz`,
      `invarctl-${VERSION}.tar.gz`,
      'krew.yaml',
    ].sort()
    assert.deepEqual(readdirSync(directory).sort(), expected)
    assert.deepEqual(told.toSorted(), expected)
  })

  test('is verified by the command that it prints', () => {
    const output = execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], {
      cwd: directory,
      encoding: 'utf8',
    })
    assert.equal(output.match(/: OK$/gm)?.length, readdirSync(directory).length - 1)
  })

  test('its image says of which version and commit it is', () => {
    const outer = new Map(
      readTar(readFileSync(join(directory, `invar-${VERSION}-image.tar`))).map((each) => [each.path, each]),
    )
    const json = (path: string) => {
      const entry = outer.get(path)
      assert.ok(entry?.kind === 'file', path)
      return JSON.parse(Buffer.from(entry.content).toString())
    }
    const blob = (digest: string) => json(`blobs/${digest.replace(':', '/')}`)
    const { config, layers } = blob(json('index.json').manifests[0].digest)
    const { created, config: settings } = blob(config.digest)
    assert.equal(created, '2001-09-09T01:46:40.000Z')
    assert.equal(settings.Labels['org.opencontainers.image.version'], VERSION)
    assert.equal(settings.Labels['org.opencontainers.image.revision'], REVISION)
    assert.match(layers[0].mediaType, /\+gzip$/)
  })

  test('its chart is one for helm, and renders what the folder renders', (t) => {
    if (!require(t, existsSync(helmPath()), 'needs helm: run `node build/helm.ts`')) return
    const archive = join(directory, `invar-${VERSION}.tgz`)
    const helm = (...args: string[]) => execFileSync(helmPath(), args, { encoding: 'utf8' })
    const { version, appVersion } = parse(helm('show', 'chart', archive))
    assert.deepEqual([version, appVersion], [VERSION, VERSION])
    assert.match(helm('lint', archive), /0 chart\(s\) failed/)
    assert.equal(helm('template', 'invar', archive), helm('template', 'invar', CHART))
  })

  test('its manifests are those of the kustomization', (t) => {
    const kubectl = programPath('kubectl')
    if (!require(t, existsSync(kubectl), 'needs kubectl: run `node build/controlplane.ts`')) return
    // Kubernetes reads YAML 1.1, in which 0444 is octal.
    const objects = (text: string) =>
      parseAllDocuments(text, { version: '1.1' })
        .map((document) => JSON.stringify(sorted(withoutStrayNamespace(document.toJS()))))
        .sort()
    const rendered = execFileSync(kubectl, ['kustomize', 'deploy'], { cwd: ROOT, encoding: 'utf8' })
    const released = readFileSync(join(directory, `invar-${VERSION}.yaml`), 'utf8')
    assert.deepEqual(objects(released), objects(rendered))
  })

  test('its command line runs where no Node is, under both names', () => {
    const folder = unpack(`invarctl-${VERSION}-${LINUX}.tar.gz`)
    const { version } = JSON.parse(run(join(folder, 'kubectl-invar'), '/nowhere', 'version', '-o', 'json'))
    assert.equal(version, VERSION)
    assert.match(run(join(folder, 'kubectl-invar'), '/nowhere', '--help'), /^Usage: kubectl invar /)
    assert.match(run(join(folder, 'invarctl'), '/nowhere', '--help'), /^Usage: invarctl /)
    assert.ok(existsSync(join(folder, 'licenses/node/LICENSE')))
  })

  test('its command line without Node runs with one', () => {
    const folder = unpack(`invarctl-${VERSION}.tar.gz`)
    const node = `${dirname(process.execPath)}:/usr/bin:/bin`
    assert.equal(JSON.parse(run(join(folder, 'invarctl'), node, 'version', '-o', 'json')).version, VERSION)
    assert.match(run(join(folder, 'kubectl-invar'), node, '--help'), /^Usage: kubectl invar /)
  })

  test('its manifest for krew names the archive, its digest and where to fetch it', () => {
    const { spec } = parse(readFileSync(join(directory, 'krew.yaml'), 'utf8'))
    const archive = `invarctl-${VERSION}-${LINUX}.tar.gz`
    const sums = readFileSync(join(directory, 'SHA256SUMS'), 'utf8')
    assert.equal(spec.version, `v${VERSION}`)
    assert.equal(spec.platforms.length, 1)
    assert.deepEqual(spec.platforms[0].selector.matchLabels, { os: 'linux', arch: architectureOf(ownPlatform()) })
    assert.equal(spec.platforms[0].uri, `${URL_OF_RELEASE}${archive}`)
    assert.ok(sums.includes(`${spec.platforms[0].sha256}  ${archive}\n`))
  })

  test('the program with Node inside is the same when it is made again', async () => {
    const components = await imageComponents(toolchainFor(ownPlatform()))
    const [again] = standaloneCommandLine(components)
    const folder = join(scratch, `invarctl-${VERSION}-${LINUX}`)
    assert.ok(again?.kind === 'file')
    assert.ok(readFileSync(join(folder, 'kubectl-invar')).equals(again.content))
  })
})

/** kustomize takes admission policies for objects of a namespace, which they are not; the API server does not mind. */
function withoutStrayNamespace(object: { kind: string; metadata: { namespace?: string } }): object {
  if (!object.kind.startsWith('ValidatingAdmissionPolicy')) return object
  const { namespace: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  )
}
