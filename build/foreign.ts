/**
 * What an image for the other processor is made with: a cross compiler, Debian's libraries and Node, unpacked into the
 * cache; then the addons compiled with them. Nothing is installed.
 *
 *   node build/foreign.ts
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { libraryFolders, packagesFolder } from '../testkit/packages.ts'
import { cacheFolder } from '../testkit/programs.ts'
import { PACKAGE_LIST } from './libraries.ts'
import { type PackageSet, unpackPackages } from './packages.ts'
import { architectureOf, ownPlatform, PLATFORMS, type Platform, PROCESSOR, TRIPLE } from './platform.ts'
import { asProgram, Missing, need, runWithProgress } from './progress.ts'

const ROOT = join(import.meta.dirname, '..')
const REMEDY = 'run `node build/foreign.ts` as root'
/** What the pinned Node and the addons load, with what these need. */
const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1']

/** All of it; what is there already is left as it is. */
export async function prepareForeign(): Promise<void> {
  for (const platform of PLATFORMS.filter((each) => each !== ownPlatform())) {
    await unpackPackages([compilerSet(platform), librarySet(platform)])
    await fetchNode(platform)
    compileAddons(platform)
  }
}

/** Full path of `cc`, `c++` or `strip` for another processor. */
export function foreignProgram(platform: Platform, name: keyof typeof WRAPPED): string {
  const path = join(wrappersFolder(platform), name)
  if (!existsSync(path)) throw new Missing(`no ${name} for ${platform}: ${REMEDY}`)
  return path
}

/** The npm package of the pinned Node for another processor. */
export function foreignNodeFolder(platform: Platform): string {
  const folder = nodeFolder(platform)
  if (!existsSync(folder)) throw new Missing(`no Node for ${platform}: ${REMEDY}`)
  return folder
}

/** The packages of the cross compiler, below it at their full paths. */
export function foreignCompilerFolder(platform: Platform): string {
  return packagesFolder(compilerSet(platform).packages)
}

/** Debian's libraries for another processor, below it at their full paths. */
export function foreignLibrariesFolder(platform: Platform): string {
  const folder = packagesFolder(librarySet(platform).packages)
  if (!existsSync(folder)) throw new Missing(`no libraries for ${platform}: ${REMEDY}`)
  return folder
}

/** True where all is there but, perhaps, addons of these sources. */
export function hasForeign(platform: Platform): boolean {
  const sets = [compilerSet(platform), librarySet(platform)]
  return existsSync(nodeFolder(platform)) && sets.every((set) => set.missing().length === 0)
}

function librarySet(platform: Platform): PackageSet {
  const architecture = architectureOf(platform)
  const packages = LIBRARIES.map((name) => `${name}:${architecture}`)
  return { title: `libraries for ${platform}`, packages, architecture, missing: () => missingOf(packages) }
}

function compilerSet(platform: Platform): PackageSet {
  const triple = TRIPLE[platform].replace('_', '-')
  const packages = [`gcc-${triple}`, `g++-${triple}`, `libc6-dev-${architectureOf(platform)}-cross`]
  return { title: `cross compiler for ${platform}`, packages, missing: () => missingOf(packages) }
}

function missingOf(packages: readonly string[]): readonly string[] {
  return existsSync(join(packagesFolder(packages), PACKAGE_LIST)) ? [] : packages
}

/** Command → the tool that it stands for. */
const WRAPPED = { cc: 'gcc', 'c++': 'g++', strip: 'strip' } as const

function wrappersFolder(platform: Platform): string {
  return join(packagesFolder(compilerSet(platform).packages), 'wrappers')
}

/** An unpacked compiler finds its own parts, but not the C library's, nor its linker the libraries that it is made of. */
function writeWrappers(platform: Platform): void {
  const folder = packagesFolder(compilerSet(platform).packages)
  mkdirSync(wrappersFolder(platform), { recursive: true })
  for (const [command, tool] of Object.entries(WRAPPED)) {
    const path = join(wrappersFolder(platform), command)
    const sysroot = tool === 'strip' ? '' : `--sysroot='${folder}' `
    const run = `exec '${folder}/usr/bin/${TRIPLE[platform]}-${tool}' ${sysroot}"$@"`
    writeFileSync(path, `#!/bin/sh\nexport LD_LIBRARY_PATH='${libraryFolders(folder).join(':')}'\n${run}\n`)
    chmodSync(path, 0o755)
  }
}

function packageName(platform: Platform): string {
  return `node-linux-${PROCESSOR[platform]}`
}

/** Name and digest of the pinned version, as the lock file has them. */
function pinnedNode(platform: Platform): { readonly version: string; readonly integrity: string } {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  return lock.packages[`node_modules/${packageName(platform)}`]
}

function nodeFolder(platform: Platform): string {
  return join(cacheFolder(), 'node', `${packageName(platform)}-${pinnedNode(platform).version}`)
}

/** npm installs only what is for this machine's processor, but hands out the rest as archives. */
async function fetchNode(platform: Platform): Promise<void> {
  const folder = nodeFolder(platform)
  if (existsSync(folder)) return
  const { version, integrity } = pinnedNode(platform)
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  try {
    const npm = need('npm', 'install npm (Debian: apt-get install npm)')
    const args = ['pack', '--silent', `--pack-destination=${unfinished}`, `${packageName(platform)}@${version}`]
    await runWithProgress({ title: `Node ${version} for ${platform}`, estimateSeconds: 10 }, npm, args, { cwd: ROOT })
    const archive = join(unfinished, readdirSync(unfinished)[0]!)
    const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
    if (digest !== integrity) throw new Error(`${archive} has ${digest}, but package-lock.json says ${integrity}`)
    execFileSync('tar', ['-xzf', archive, '-C', unfinished, '--strip-components=1'])
    rmSync(archive)
    mkdirSync(dirname(folder), { recursive: true })
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** The build program of native/ in its own process: it reads from the environment what to compile for. */
function compileAddons(platform: Platform): void {
  writeWrappers(platform)
  const environment = {
    INVAR_PROCESSOR: PROCESSOR[platform],
    INVAR_NODE: nodeFolder(platform),
    CC: foreignProgram(platform, 'cc'),
    CXX: foreignProgram(platform, 'c++'),
  }
  const env = { ...process.env, ...environment }
  execFileSync(process.execPath, [join(ROOT, 'native', 'build.ts')], { cwd: ROOT, env, stdio: 'inherit' })
}

if (import.meta.main) await asProgram(prepareForeign)
