/**
 * The command line for people's own machines, as archives: for Linux one program with Node inside, for whatever else runs
 * Node its source as one file. Both are called `kubectl-invar`, which kubectl finds on PATH, and `invarctl`.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TarEntry } from '../runtime/tar.ts'
import { allOf, type Component, fileEntry } from './component.ts'
import { filesOf } from './image-components.ts'

const NAME = 'kubectl-invar'
const LINK: TarEntry = { kind: 'symlink', path: 'invarctl', target: NAME }
const BUNDLE = 'app/cli/main.js'

/** Without Node: `kubectl-invar` is a script. */
export function portableCommandLine(image: readonly Component[]): TarEntry[] {
  // Without a package.json beside it Node takes the file for what it is from its syntax, an ES module.
  const script = Buffer.from(
    bundleOf(image)
      .toString('latin1')
      .replace(/^#!.*\n/, '#!/usr/bin/env node\n'),
    'latin1',
  )
  return [fileEntry(NAME, script, 0o755), LINK, ...licencesOf(image, ['invar'])]
}

/** With Node: its own way to put a script into a copy of itself. */
export function standaloneCommandLine(image: readonly Component[]): TarEntry[] {
  const scratch = mkdtempSync(join(tmpdir(), 'invar-command-line-'))
  try {
    writeFileSync(join(scratch, 'node'), contentOf(image, 'bin/node'), { mode: 0o755 })
    writeFileSync(
      join(scratch, 'main.mjs'),
      bundleOf(image)
        .toString('latin1')
        .replace(/^#!.*\n/, ''),
      'latin1',
    )
    const settings = { main: 'main.mjs', mainFormat: 'module', executable: 'node', output: NAME }
    const quiet = { disableExperimentalSEAWarning: true, execArgv: ['--disable-warning=DEP0040'] }
    writeFileSync(join(scratch, 'settings.json'), JSON.stringify({ ...settings, ...quiet }))
    execFileSync(process.execPath, ['--build-sea', 'settings.json'], { cwd: scratch, stdio: 'pipe' })
    return [fileEntry(NAME, readFileSync(join(scratch, NAME)), 0o755), LINK, ...licencesOf(image, ['invar', 'node'])]
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function bundleOf(image: readonly Component[]): Buffer {
  return Buffer.from(contentOf(image, BUNDLE))
}

function contentOf(image: readonly Component[], path: string): Uint8Array {
  const found = filesOf(image).find((entry) => entry.path === path)
  if (found?.kind !== 'file') throw new Error(`the image has no ${path}`)
  return found.content
}

/** Of the components named and of the packages bundled with them: more than the command line needs, never less. */
function licencesOf(image: readonly Component[], names: readonly string[]): TarEntry[] {
  const own = image.filter(({ name }) => names.includes(name))
  return allOf(own).flatMap(({ files }) => files.filter(({ path }) => path.startsWith('licenses/')))
}
