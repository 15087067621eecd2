/**
 * Runs the tests in stages: `node build/test.ts [STAGE]…`, all of them where none is named. The last line is
 * `N passed, N failed`. What a stage needs and the machine has not is said in one line; with CI=true that is a failure.
 */
import { spawn, spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { asProgram, Missing } from './progress.ts'
import { COUNTS_FILE, type Counts } from './test-reporter.ts'

const ROOT = join(import.meta.dirname, '..')
const NONE: Counts = { passed: 0, failed: 0, skipped: 0 }

interface Stage {
  readonly about: string
  readonly limitMinutes: number
  readonly needsRoot?: true
  readonly run: (limitMs: number) => Promise<Counts>
  /** Files of tests, relative; a command stage has none. */
  readonly files?: () => readonly string[]
}

/** Endings that set a test apart from the unit tests; see CONTRIBUTING.md. */
const KINDS = ['simulation', 'image', 'net', 'controlplane', 'cluster'] as const
type Kind = (typeof KINDS)[number]

const STAGES: Readonly<Record<string, Stage>> = {
  types: commandStage('the TypeScript compiler', 'tsc', ['--noEmit']),
  browser: commandStage('the TypeScript compiler on what a browser runs', 'tsc', ['--noEmit', '-p', 'page/browser']),
  lint: commandStage('format and lint', 'biome', ['ci', '--max-diagnostics=50']),
  unit: testStage('pure logic, in virtual time', () => testFiles(undefined), 10, availableParallelism()),
  simulation: testStage('many nodes on a simulated network', () => testFiles('simulation'), 10, availableParallelism()),
  image: testStage('the image for both platforms, and the release', () => testFiles('image'), 10),
  net: { ...testStage('network namespaces on the real kernel', () => testFiles('net'), 15), needsRoot: true },
  controlplane: testStage('a real API server', () => testFiles('controlplane'), 20),
  cluster: { ...testStage('a whole cluster of real kubelets', () => testFiles('cluster'), 30), needsRoot: true },
}

function testFiles(kind: Kind | undefined): readonly string[] {
  const exclude = (path: string) => /^(node_modules|out|\.git)$/.test(path)
  const all = globSync('**/*.test.ts', { cwd: ROOT, exclude }).sort()
  const kindOf = (path: string) => KINDS.find((name) => path.endsWith(`.${name}.test.ts`))
  return all.filter((path) => kindOf(path) === kind)
}

function commandStage(about: string, program: string, args: readonly string[]): Stage {
  const run = async () => {
    const command = join(ROOT, 'node_modules', '.bin', program)
    const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' })
    return status === 0 ? { ...NONE, passed: 1 } : { ...NONE, failed: 1 }
  }
  return { about, limitMinutes: 5, run }
}

/** Files run one after another by default: those of the root stages each start a machine's worth of programs. */
function testStage(about: string, files: () => readonly string[], limitMinutes: number, concurrency = 1): Stage {
  return { about, limitMinutes, files, run: (limitMs) => runTests(files(), limitMs, concurrency) }
}

async function runTests(files: readonly string[], limitMs: number, concurrency: number): Promise<Counts> {
  const scratch = mkdtempSync(join(tmpdir(), 'invar-test-'))
  const countsFile = join(scratch, 'counts.json')
  try {
    const args = [
      '--test',
      `--test-concurrency=${concurrency}`,
      `--test-reporter=${ROOT}/build/test-reporter.ts`,
      ...files,
    ]
    const ended = await runGroup(process.execPath, args, { ...process.env, [COUNTS_FILE]: countsFile }, limitMs)
    const counts = readCounts(countsFile)
    if (ended === 'late') console.log(`stopped after ${limitMs / 60_000} minutes`)
    // A runner that failed without a failed test, or ended before its sums, has failed itself.
    return ended === 0 || counts.failed > 0 ? counts : { ...counts, failed: counts.failed + 1 }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function readCounts(path: string): Counts {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Counts
  } catch {
    return { ...NONE, failed: 1 }
  }
}

/** In a process group of its own, so that what hangs can be ended with all that it started. */
function runGroup(command: string, args: string[], env: NodeJS.ProcessEnv, limitMs: number): Promise<number | 'late'> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
    let late = false
    const end = (signal: NodeJS.Signals) => process.kill(-child.pid!, signal)
    const limit = setTimeout(() => {
      late = true
      end('SIGTERM')
      setTimeout(() => end('SIGKILL'), 10_000).unref()
    }, limitMs)
    const interrupted = () => end('SIGINT')
    process.once('SIGINT', interrupted)
    child.on('error', reject)
    child.on('exit', (code) => {
      clearTimeout(limit)
      process.off('SIGINT', interrupted)
      resolve(late ? 'late' : (code ?? 1))
    })
  })
}

async function runStage(name: string, stage: Stage): Promise<Counts> {
  const files = stage.files?.()
  if (files?.length === 0) return NONE
  console.log(`\n${name}: ${stage.about}${files === undefined ? '' : `, ${files.length} files`}`)
  if (stage.needsRoot && process.getuid?.() !== 0) {
    console.log(`skipped: the ${name} tests need root: run as root\n  ${files?.join('\n  ')}`)
    const skipped = files?.length ?? 1
    return process.env.CI === 'true' ? { ...NONE, failed: skipped } : { ...NONE, skipped }
  }
  const startedAt = performance.now()
  const counts = await stage.run(stage.limitMinutes * 60_000)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${name}: ${sumsOf(counts)} in ${seconds} s`)
  return counts
}

function sumsOf({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2)
  const unknown = wanted.filter((name) => !(name in STAGES))
  if (unknown.length > 0) {
    throw new Missing(`no stage ${unknown.join(', ')}; there are: ${Object.keys(STAGES).join(', ')}`)
  }
  let total = NONE
  for (const [name, stage] of Object.entries(STAGES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const counts = await runStage(name, stage)
    total = {
      passed: total.passed + counts.passed,
      failed: total.failed + counts.failed,
      skipped: total.skipped + counts.skipped,
    }
  }
  if (total.failed > 0) process.exitCode = 1
  console.log(`\n${sumsOf(total)}`)
}

if (import.meta.main) await asProgram(main)
