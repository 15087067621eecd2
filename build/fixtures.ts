/** The two small images that every test cluster has: the pause container and a web server, static C programs. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { FIXTURE_SOURCES, IMAGES, imageFile } from '../testkit/cluster/tools.ts'
import { fileEntry } from './component.ts'
import { ociArchive } from './oci.ts'
import { ownPlatform } from './platform.ts'
import { asProgram, need, runWithProgress } from './progress.ts'

/** Nothing happens where the images of these sources are in the cache. */
export async function buildFixtures(): Promise<void> {
  for (const name of ['pause', 'web'] as const) if (!existsSync(imageFile(name))) await build(name)
}

async function build(name: keyof typeof IMAGES): Promise<void> {
  const compiler = need('cc', 'install a C compiler (Debian: apt-get install gcc)')
  const scratch = mkdtempSync(join(tmpdir(), 'invar-fixture-'))
  try {
    const program = join(scratch, name)
    const args = ['-O2', '-static', '-s', '-Wall', '-Wextra', '-o', program, join(FIXTURE_SOURCES, `${name}.c`)]
    await runWithProgress({ title: `image ${name}`, estimateSeconds: 1 }, compiler, args)
    const files = { platform: ownPlatform(), entries: [fileEntry(name, readFileSync(program), 0o755)] }
    const options = { reference: IMAGES[name].reference, entrypoint: [`/${name}`], user: '65532:65532' }
    const archive = ociArchive(options, [files])
    const target = imageFile(name)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(`${target}.${process.pid}`, archive)
    renameSync(`${target}.${process.pid}`, target)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

if (import.meta.main) await asProgram(buildFixtures)
