/**
 * The Dockerfile, without an engine: its steps are run in a root with this machine's programs and nothing else, the project
 * in another folder, at another time, nothing compiled. It has to give what `make image` gives here, to the byte: that is at once the
 * test that builds can be repeated.
 *
 * Not shown: that Debian's packages can be installed, and `npm ci` (the installed packages stand in for it, without
 * what was compiled in them); and the engine itself.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { suite, test } from 'node:test'
import type { TarEntry } from '../runtime/tar.ts'
import { createOtherRoot, type OtherRoot } from '../testkit/other-root.ts'
import { require, requireRoot } from '../testkit/privilege.ts'
import { buildImage } from './image.ts'
import { filesOf, imageComponents } from './image-components.ts'
import { ownPlatform } from './platform.ts'
import { which } from './progress.ts'
import { toolchainFor } from './toolchain.ts'

const ROOT = join(import.meta.dirname, '..')
/** Steps of the Dockerfile that other things stand in for; see above. */
const STOOD_IN_FOR = [/^apt-get /, /^npm ci /]

interface Instruction {
  readonly name: string
  readonly rest: string
}

function instructions(): Instruction[] {
  const lines = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').split('\n')
  const wanted = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return wanted.map((line) => ({ name: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1) }))
}

/** True where .dockerignore leaves a path out; of its patterns it has plain ones and `**` in front. */
function isIgnored(path: string): boolean {
  const patterns = readFileSync(join(ROOT, '.dockerignore'), 'utf8').trim().split('\n')
  return patterns.some((pattern) => {
    const anywhere = pattern.startsWith('**/')
    const bare = pattern.replace(/^\*\*\//, '')
    assert.doesNotMatch(bare, /[*?!]/, 'a pattern that this test does not read')
    return anywhere ? path.split('/').includes(bare) : path === bare || path.startsWith(`${bare}/`)
  })
}

/** Runs the steps of the first stage; its files are then below `root.path`. */
async function follow(root: OtherRoot): Promise<void> {
  const environment: Record<string, string> = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' }
  let folder = '/'
  const firstStage = instructions().slice(1)
  for (const { name, rest } of firstStage.slice(
    0,
    firstStage.findIndex((each) => each.name === 'FROM'),
  )) {
    if (name === 'WORKDIR') folder = rest
    else if (name === 'COPY') copyProject(root, rest, folder)
    else if (name === 'ENV') setVariable(environment, rest)
    else if (name === 'RUN' && !STOOD_IN_FOR.some((pattern) => pattern.test(rest)))
      await root.run(`cd ${folder}; ${rest}`, environment)
    else if (name !== 'RUN') assert.fail(`an instruction that this test does not follow: ${name}`)
  }
}

function copyProject(root: OtherRoot, what: string, folder: string): void {
  assert.equal(what, '. .')
  const filter = (path: string) => path === ROOT || !isIgnored(relative(ROOT, path))
  mkdirSync(join(root.path, folder), { recursive: true })
  cpSync(ROOT, join(root.path, folder), { recursive: true, filter })
  root.overlay(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  rmSync(join(root.path, folder, 'node_modules/raw-socket/build'), { recursive: true, force: true })
}

function setVariable(environment: Record<string, string>, assignment: string): void {
  const [name, value] = [assignment.split('=')[0]!, assignment.slice(assignment.indexOf('=') + 1)]
  environment[name] = value.replaceAll(/\$(\w+)/g, (_, other: string) => environment[other] ?? '')
}

/** One line a file: kind, mode, path, digest or target. */
function linesOf(directory: string): string[] {
  return globSync('**', { cwd: directory, withFileTypes: true })
    .map((found) => relative(directory, join(found.parentPath, found.name)))
    .filter((path) => path !== '')
    .map((path) => {
      const status = lstatSync(join(directory, path))
      const mode = (status.mode & 0o7777).toString(8)
      if (status.isSymbolicLink()) return `symlink ${path} ${readlinkSync(join(directory, path))}`
      if (status.isDirectory()) return `directory ${mode} ${path}`
      return `file ${mode} ${path} ${digestOf(readFileSync(join(directory, path)))}`
    })
    .sort()
}

function lineOf(entry: TarEntry): string {
  if (entry.kind === 'symlink') return `symlink ${entry.path} ${entry.target}`
  if (entry.kind === 'directory') return `directory ${(entry.mode ?? 0o755).toString(8)} ${entry.path}`
  return `file ${(entry.mode ?? 0o644).toString(8)} ${entry.path} ${digestOf(entry.content)}`
}

function digestOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

suite('the Dockerfile', { timeout: 240_000 }, () => {
  test('gives the same tree as the builder, and a second build elsewhere the same archive', async (t) => {
    if (!requireRoot(t)) return
    if (!require(t, which('setcap') !== undefined, 'needs setcap (Debian: apt-get install libcap2-bin)')) return
    const here = digestOf(readFileSync(await buildImage()))
    const entries = filesOf(await imageComponents(toolchainFor(ownPlatform())))
    using root = createOtherRoot()
    await follow(root)
    const tree = join(root.path, 'tree')
    // Folders that only hold files are no entries of the builder's.
    const found = new Set(linesOf(tree).filter((line) => !line.startsWith('directory 755')))
    const wanted = new Set(entries.map(lineOf))
    assert.deepEqual([[...found.difference(wanted)], [...wanted.difference(found)]], [[], []])
    assert.ok(found.size > 50, `${found.size} files`)
    const capable = await root.run('getcap -r /tree', { PATH: '/usr/sbin:/usr/bin' })
    assert.equal(capable.trim(), '/tree/app/bin/speaker cap_net_bind_service,cap_net_raw=p')
    await root.run('cd /src && node build/image.ts', { PATH: '/src/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin' })
    assert.equal(digestOf(readFileSync(join(root.path, 'src/out/image.tar'))), here)
    t.diagnostic(`sha256 of both archives: ${here}`)
  })

  test('takes the tree into an empty image', () => {
    const last = instructions().slice(instructions().findLastIndex(({ name }) => name === 'FROM'))
    assert.deepEqual(
      last.slice(0, 2).map(({ name, rest }) => `${name} ${rest}`),
      ['FROM scratch', 'COPY --from=build /tree /'],
    )
    assert.ok(existsSync(join(ROOT, '.dockerignore')))
  })
})
