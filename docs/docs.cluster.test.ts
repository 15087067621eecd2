/**
 * Runs the documentation: every `sh run` block, in the order of the pages, on a whole cluster. The commands stand in the
 * pages as they are run here; what differs between the reader's machine and this one is who `kubectl` and `curl` are.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileEntry } from '../build/component.ts'
import { buildImage } from '../build/image.ts'
import { ociArchive } from '../build/oci.ts'
import { ownPlatform } from '../build/platform.ts'
import { type Cluster, startCluster, toolsEnvironment } from '../testkit/cluster/index.ts'
import { FIXTURE_SOURCES } from '../testkit/cluster/tools.ts'
import { type Block, blocksOf, documentationPages, placeOf } from '../testkit/pages.ts'
import { requireRoot } from '../testkit/privilege.ts'
import { requireHelm } from '../testkit/programs.ts'

const ROOT = join(import.meta.dirname, '..')
/** Pages that build on each other, in the order in which a reader meets them; pages that are not named come last. */
const ORDER = ['README.md', 'docs/install.md', 'docs/start.md']
/** A block that is said to print something is run again until it does: what it shows may come a moment later. */
const OUTPUT_LIMIT_MS = 20_000
const BLOCK_LIMIT_SECONDS = 150

suite('the documentation, run as it stands', { timeout: 280_000 }, () => {
  let cluster: Cluster
  let home: string
  let folder: string

  before(async () => {
    if (process.getuid?.() !== 0) return
    home = mkdtempSync(join(tmpdir(), 'invar-docs-'))
    folder = join(home, 'clone')
    for (const name of ['charts', 'crds', 'deploy']) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
    cluster = await startCluster({ images: [await buildImage(), whoami(home)] })
    useDocumentationAddresses(cluster)
    writeCommands(join(home, 'bin'), cluster)
    await cluster.ready()
  })
  after(async () => {
    await cluster?.stop()
    if (home !== undefined) rmSync(home, { recursive: true, force: true })
  })

  for (const page of pagesInOrder()) {
    test(page, async (t) => {
      if (!requireRoot(t)) return
      for (const { block, output } of runnable(page)) {
        const startedAt = performance.now()
        await runUntil(block, output, { home, folder })
        t.diagnostic(`${placeOf(block)}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
      }
    })
  }

  test('the API server takes every manifest of the pages, and refuses those that are shown as wrong', async (t) => {
    if (!requireRoot(t)) return
    cluster.kubectl(['delete', 'ipaddresspools,l2advertisements', '--all', '--namespace=metallb-system'])
    const manifests = documentationPages()
      .flatMap(blocksOf)
      .filter(({ language, words }) => language === 'yaml' && !words.includes('values'))
    const apply = (text: string) => cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], text)
    const [wrong, right] = [manifests.filter(isShownAsWrong), manifests.filter((block) => !isShownAsWrong(block))]
    assert.ok(wrong.length > 0 && right.length > 20)
    apply(right.map(({ text }) => text).join('---\n'))
    for (const block of wrong) assert.throws(() => apply(block.text), /is invalid|denied the request/, placeOf(block))
  })
})

function isShownAsWrong({ words }: Block): boolean {
  return words.some((word) => word.startsWith('finds='))
}

function pagesInOrder(): readonly string[] {
  const pages = documentationPages().filter((page) => blocksOf(page).some(({ words }) => words.includes('run')))
  return [...ORDER.filter((page) => pages.includes(page)), ...pages.filter((page) => !ORDER.includes(page))]
}

interface Runnable {
  readonly block: Block
  /** What it is to print; undefined = nothing is said of that. */
  readonly output: string | undefined
}

function runnable(page: string): readonly Runnable[] {
  const blocks = blocksOf(page)
  return blocks.flatMap((block, index) => {
    if (!block.words.includes('run')) return []
    const next = blocks[index + 1]
    return [{ block, output: next?.words.includes('output') ? next.text : undefined }]
  })
}

interface Place {
  readonly home: string
  readonly folder: string
}

async function runUntil(block: Block, output: string | undefined, place: Place): Promise<void> {
  const until = performance.now() + OUTPUT_LIMIT_MS
  for (;;) {
    const { code, printed } = await run(block.text, place)
    const isAsSaid = output === undefined || patternOf(output).test(printed)
    if (code === 0 && isAsSaid) return
    if (output === undefined || performance.now() > until) {
      assert.fail(`${placeOf(block)} ended with code ${code} and printed\n${printed}\nto be\n${output ?? '(anything)'}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

/** Blanks count as one; `…` stands for anything. */
function patternOf(output: string): RegExp {
  const escaped = output
    .trim()
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\s+/g, '\\s+')
    .replaceAll(/(\\s\+)?…(\\s\+)?/g, '[\\s\\S]*?')
  return new RegExp(`^\\s*${escaped}\\s*$`)
}

function run(script: string, { home, folder }: Place): Promise<{ readonly code: number; readonly printed: string }> {
  const env = { PATH: `${join(home, 'bin')}:${process.env.PATH}`, HOME: home, LANG: 'C.UTF-8' }
  return new Promise((resolve, reject) => {
    const child = spawn('timeout', [String(BLOCK_LIMIT_SECONDS), 'bash', '-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (printed += data.toString()))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, printed }))
  })
}

/** The commands of the pages: kubectl, helm and invarctl of somebody with rights, curl of a machine on the LAN. */
function writeCommands(bin: string, cluster: Cluster): void {
  mkdirSync(bin, { recursive: true })
  const asAdmin = `KUBECONFIG=${cluster.plane.kubeconfig} exec nsenter --net=${cluster.lan.host('cp').path} --`
  const onLan = `exec nsenter --net=${cluster.client.path} --`
  const invarctl = `${asAdmin} ${process.execPath} ${join(ROOT, 'cli/main.ts')}`
  const tools = toolsEnvironment()
  const commands = {
    kubectl: `exec ${cluster.kubectlScript} "$@"`,
    helm: `${asAdmin} ${requireHelm()} "$@"`,
    invarctl: `${invarctl} "$@"`,
    // `npm exec -- invarctl …`
    npm: `shift 3; ${invarctl} "$@"`,
    curl: `PATH="${tools.PATH}" LD_LIBRARY_PATH="${tools.LD_LIBRARY_PATH ?? ''}" ${onLan} curl "$@"`,
  }
  for (const [name, command] of Object.entries(commands)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${command}\n`)
    chmodSync(join(bin, name), 0o755)
  }
}

/** The pages give out addresses of 192.0.2.0/24, which everybody on the LAN takes for a neighbor's here. */
function useDocumentationAddresses(cluster: Cluster): void {
  cluster.client.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'eth0')
  for (const { network } of cluster.nodes) {
    cluster.lan.host(network.name).run('ip', 'route', 'add', '192.0.2.0/24', 'dev', 'eth0')
  }
}

/** Stands in for the web server of the pages, which no registry serves to this cluster. */
function whoami(scratch: string): string {
  const [program, file] = [join(scratch, 'whoami'), join(scratch, 'whoami.tar')]
  execFileSync('cc', ['-O2', '-static', '-s', '-o', program, join(FIXTURE_SOURCES, 'web.c')])
  const options = { reference: 'docker.io/traefik/whoami:v1.10.3', entrypoint: ['/whoami'], user: '65532:65532' }
  const entries = [fileEntry('whoami', readFileSync(program), 0o755)]
  const archive = ociArchive(options, [{ platform: ownPlatform(), entries }])
  writeFileSync(file, archive)
  return file
}
