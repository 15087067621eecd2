/**
 * A root file system with the programs of this machine and nothing else of it, to run a script with (chroot): what is not
 * named is not there. Needs root.
 */
import { execFileSync, spawn } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export interface OtherRoot extends Disposable {
  /** Where its `/` lies. */
  readonly path: string
  /** A folder of this machine at a path of the other root; what is written to it there does not reach it. */
  overlay(from: string, to: string): void
  /** Runs a shell script with that root; answers what it printed, throws where it fails. */
  run(script: string, environment: Readonly<Record<string, string>>): Promise<string>
}

/** Programs, libraries, their settings and packages; read-only, and links where they are links (`/bin` to `/usr/bin`). */
const PROGRAMS = ['usr', 'bin', 'sbin', 'lib', 'lib64', 'etc', 'var/lib/dpkg']

export function createOtherRoot(): OtherRoot {
  const scratch = mkdtempSync(join(tmpdir(), 'invar-root-'))
  const path = join(scratch, 'root')
  const mounted: string[] = []
  const mount = (target: string, ...args: string[]) => {
    mkdirSync(target, { recursive: true })
    execFileSync('mount', [...args, target])
    mounted.unshift(target)
  }
  mkdirSync(join(path, 'tmp'), { recursive: true, mode: 0o1777 })
  for (const name of PROGRAMS) {
    const status = lstatSync(`/${name}`, { throwIfNoEntry: false })
    if (status?.isSymbolicLink()) symlinkSync(readlinkSync(`/${name}`), join(path, name))
    else if (status !== undefined) mount(join(path, name), '-o', 'bind,ro', `/${name}`)
  }
  mount(join(path, 'proc'), '-t', 'proc', 'proc')
  mount(join(path, 'dev'), '-o', 'bind', '/dev')
  return {
    path,
    overlay: (from, to) => {
      const layers = mkdtempSync(join(scratch, 'overlay-'))
      const [upper, work] = [join(layers, 'upper'), join(layers, 'work')]
      for (const folder of [upper, work]) mkdirSync(folder)
      const layered = `lowerdir=${from},upperdir=${upper},workdir=${work}`
      mount(join(path, to), '-t', 'overlay', 'overlay', '-o', layered)
    },
    run: (script, environment) => runIn(path, script, environment),
    [Symbol.dispose]: () => {
      for (const target of mounted) execFileSync('umount', [target])
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

async function runIn(root: string, script: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn('chroot', [root, '/bin/sh', '-ec', script], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  const [output, complaints, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0) throw new Error(`exit code ${code} of: ${script}\n${output}${complaints}`)
  return output
}
