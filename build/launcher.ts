/** The image's programs that native/launcher.c starts, and what the file system says of them. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Launch } from './bundle.ts'

const ROOT = join(import.meta.dirname, '..')
/** Static and without anything that changes from one build to the next. */
const FLAGS = ['-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror', '-Wl,--build-id=none']

/**
 * struct vfs_cap_data, revision 2 (capabilities(7)): permitted = bit 13, CAP_NET_RAW, and bit 10, CAP_NET_BIND_SERVICE. A
 * program gets those of them that its container has.
 */
const SPEAKER_CAPABILITIES = Buffer.from('0000000200240000000000000000000000000000', 'hex')

/** native/launcher.c for one program, with everything that it needs inside. */
export function buildLauncher(compiler: string, program: string, launch: Launch): Buffer {
  const scratch = mkdtempSync(join(tmpdir(), 'invar-image-'))
  try {
    const target = join(scratch, program)
    const text = (value: string) => JSON.stringify(value)
    const variables = Object.entries(launch.environment).map(([name, value]) => `{${text(name)}, ${text(value)}}`)
    const macros = [
      `-DPROGRAM=${text(program)}`,
      `-DNODE_FLAGS=${launch.nodeFlags.map(text).join(', ')}`,
      `-DENVIRONMENT=${variables.join(', ')}`,
      `-DNEEDS_NET_RAW=${launch.needsNetRaw ? 1 : 0}`,
    ]
    execFileSync(compiler, [...FLAGS, ...macros, '-o', target, 'native/launcher.c'], { cwd: ROOT })
    return readFileSync(target)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** NET_RAW without root: a file capability on the one program that hands it to Node, see native/launcher.c. */
export function launcherAttributes({ needsNetRaw }: Launch): Record<string, Uint8Array> {
  return needsNetRaw ? { 'security.capability': SPEAKER_CAPABILITIES } : {}
}
