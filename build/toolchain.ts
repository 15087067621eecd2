/**
 * With what an image is made: for the machine's own processor with its own compiler, libraries and Node; for the other one
 * with those that build/foreign.ts has put into the cache.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { foreignCompilerFolder, foreignLibrariesFolder, foreignNodeFolder, foreignProgram } from './foreign.ts'
import { type DebianPackage, type LibrarySource, ownLibraries, unpackedLibraries } from './libraries.ts'
import { ownPlatform, type Platform, PROCESSOR } from './platform.ts'
import { Missing, need } from './progress.ts'

const ROOT = join(import.meta.dirname, '..')

/** All that is not source and goes into an image, or makes what goes into it. */
export interface Toolchain {
  readonly platform: Platform
  /** Full path of the C compiler. */
  readonly compiler: string
  readonly strip: string
  /** The npm package of the pinned Node: `bin/node`, `include/node`, `LICENSE`. */
  readonly nodeFolder: string
  readonly addon: string
  /** The addon of the package raw-socket. */
  readonly rawSocket: string
  readonly libraries: LibrarySource
  /** The package of the C library that programs are linked with statically. */
  readonly staticLibrary: DebianPackage | undefined
}

/** Throws, with the remedy, where something is not there. */
export function toolchainFor(platform: Platform): Toolchain {
  return platform === ownPlatform() ? ownToolchain(platform) : foreignToolchain(platform)
}

function ownToolchain(platform: Platform): Toolchain {
  const compiler = need('cc', 'install a C compiler (Debian: apt-get install gcc libc6-dev)')
  const libraries = ownLibraries()
  return {
    ...{ platform, compiler, libraries },
    strip: need('strip', 'install binutils (Debian: apt-get install binutils)'),
    nodeFolder: present(`node_modules/node-linux-${process.arch}`, 'npm ci --ignore-scripts'),
    addon: present('native/build/invar.node', 'node native/build.ts'),
    rawSocket: present('node_modules/raw-socket/build/Release/raw.node', 'node native/build.ts'),
    staticLibrary: packageOf(libraries, staticLibraryPath(compiler)),
  }
}

function foreignToolchain(platform: Platform): Toolchain {
  const processor = PROCESSOR[platform]
  const compiler = foreignProgram(platform, 'cc')
  const folder = foreignCompilerFolder(platform)
  return {
    ...{ platform, compiler },
    strip: foreignProgram(platform, 'strip'),
    nodeFolder: foreignNodeFolder(platform),
    addon: present(`native/build/${processor}/invar.node`, 'node build/foreign.ts'),
    rawSocket: present(`native/build/${processor}/raw.node`, 'node build/foreign.ts'),
    libraries: unpackedLibraries(foreignLibrariesFolder(platform)),
    staticLibrary: packageOf(unpackedLibraries(folder), staticLibraryPath(compiler).replace(folder, '')),
  }
}

function packageOf(source: LibrarySource, path: string): DebianPackage | undefined {
  return source.packagesOf([path]).get(path)
}

function staticLibraryPath(compiler: string): string {
  return realpathSync(execFileSync(compiler, ['-print-file-name=libc.a'], { encoding: 'utf8' }).trim())
}

function present(path: string, remedy: string): string {
  if (!existsSync(join(ROOT, path))) throw new Missing(`${path} is not there: run \`${remedy}\``)
  return join(ROOT, path)
}
