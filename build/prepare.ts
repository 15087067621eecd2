/**
 * Makes what the programs, tests and demo need and the machine lacks: `node build/prepare.ts [PART]…`, all parts where
 * none is named. Every part does nothing where its result is there.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { buildControlPlane } from './controlplane.ts'
import { buildFixtures } from './fixtures.ts'
import { prepareForeign } from './foreign.ts'
import { buildHelm } from './helm.ts'
import { unpackPackages } from './packages.ts'
import { asProgram, Missing, need } from './progress.ts'

interface Part {
  readonly prepare: () => Promise<void>
  /** Tests without root get along without it. */
  readonly onlyForRoot?: true
}

export type PartName = 'native' | 'controlplane' | 'helm' | 'packages' | 'fixtures' | 'foreign'

export const PARTS: Readonly<Record<PartName, Part>> = {
  native: { prepare: buildNative },
  controlplane: { prepare: buildControlPlane },
  helm: { prepare: buildHelm },
  packages: { prepare: unpackPackages, onlyForRoot: true },
  fixtures: { prepare: buildFixtures, onlyForRoot: true },
  foreign: { prepare: prepareForeign, onlyForRoot: true },
}

async function buildNative(): Promise<void> {
  need('cc', 'install a C compiler (Debian: apt-get install gcc)')
  need('c++', 'install a C++ compiler (Debian: apt-get install g++)')
  execFileSync(process.execPath, [join(import.meta.dirname, '..', 'native', 'build.ts')], { stdio: 'inherit' })
}

/** In the order of PARTS. */
export async function prepare(wanted: readonly PartName[]): Promise<void> {
  for (const [name, part] of Object.entries(PARTS)) if (wanted.includes(name as PartName)) await part.prepare()
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2)
  const unknown = wanted.filter((name) => !(name in PARTS))
  if (unknown.length > 0)
    throw new Missing(`no part ${unknown.join(', ')}; there are: ${Object.keys(PARTS).join(', ')}`)
  const isRoot = process.getuid?.() === 0
  const all = (Object.keys(PARTS) as PartName[]).filter((name) => isRoot || !PARTS[name].onlyForRoot)
  await prepare(wanted.length === 0 ? all : (wanted as PartName[]))
}

if (import.meta.main) await asProgram(main)
