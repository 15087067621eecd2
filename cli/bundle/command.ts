/** `invarctl bundle`: an archive for whoever is to help, without anything secret in it. */
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { systemClock } from '../../runtime/clock.ts'
import { sentenceOf } from '../../runtime/log.ts'
import { VERSION } from '../../runtime/version.ts'
import { CannotRun } from '../cannot-run.ts'
import { withCluster } from '../cluster-commands.ts'
import type { ClusterFlags } from '../connection.ts'
import { readDoctorFacts } from '../doctor/read-facts.ts'
import { counted, type Report } from '../report.ts'
import { Archive, type Missing, packed } from './archive.ts'
import { collect } from './collect.ts'
import { runLocalBundle } from './local.ts'
import { knownSecrets } from './secrets.ts'

export interface BundleFlags extends ClusterFlags {
  readonly file?: string
  readonly local?: boolean
  readonly socket: string
}

export interface BundleAnswer {
  readonly file: string
  readonly bytes: number
  readonly entries: readonly ArchiveEntry[]
  readonly missing: readonly Missing[]
}

export interface ArchiveEntry {
  readonly path: string
  /** Before the archive is compressed. */
  readonly bytes: number
}

/** @throws CannotRun */
export async function runBundle(flags: BundleFlags): Promise<Report> {
  if (flags.local === true) return runLocalBundle(flags.socket)
  const made = new Date(systemClock.wall()).toISOString().replace(/\.\d+Z$/, 'Z')
  const file = flags.file ?? `invar-bundle-${made.replaceAll(/[-:]/g, '')}.tar.gz`
  // Before all the work: it may not be possible to write there.
  const descriptor = opened(file)
  const making = withCluster(flags, async (connection, state, onRead) => {
    const facts = await readDoctorFacts(connection, state, onRead)
    const { namespace } = facts.installation
    const secret = facts.membershipSecret.kind === 'known' ? facts.membershipSecret.value?.name : undefined
    const archive = new Archive(await knownSecrets(connection, namespace, secret))
    await collect(archive, connection, facts, onRead)
    archive.addText('README.txt', readme(made, connection.server, archive))
    const bytes = packed(basename(file).replace(/\.(tar\.gz|tgz)$/, ''), archive.files)
    writeFileSync(descriptor, bytes)
    return bundleReport({
      ...{ file, bytes: bytes.length, missing: archive.missing },
      entries: archive.files.map(({ path, text }) => ({ path, bytes: Buffer.byteLength(text) })),
    })
  })
  try {
    return await making
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

/** For nobody else to read: names of Services and addresses are nobody else's business either. */
function opened(file: string): number {
  try {
    return openSync(file, 'wx', 0o600)
  } catch (error) {
    throw new CannotRun(`cannot write ${file} (${sentenceOf(error)})`, 'name another one with --file', error)
  }
}

function readme(made: string, server: string, { missing }: Archive): string {
  const lacks = missing.map(({ what, because }) => `  ${what}: ${because}\n`).join('')
  return `Support archive of Invar, made by invarctl ${VERSION} at ${made} from ${server}.

status.json, doctor.json   what is wrong, as invarctl status and invarctl doctor say it
versions.json, nodes.json  which versions run; the nodes as their speakers see them
objects/                   resources of metallb.io, Services of type LoadBalancer with their endpoints, Nodes, events
logs/                      the last lines of each container, and of the life before where it was restarted
speakers/                  what each speaker knows: links, sessions, routes, counters, metrics

No Secret is in it. Passwords of BGPPeers, annotations that are not known to be harmless (among them
last-applied-configuration) and all that looks like a credential stand as "(masked)".
${lacks === '' ? '' : `\nCould not be had:\n${lacks}`}`
}

function bundleReport(answer: BundleAnswer): Report {
  const { file, bytes, entries, missing } = answer
  const lacks = missing.map(({ what, because }) => `not in it: ${what} (${because})\n`).join('')
  const text = `${file}: ${counted(entries.length, 'file')}, ${Math.ceil(bytes / 1024)} KiB. Nothing secret is in it; look through it before you send it.\n`
  return { value: answer, text: () => `${lacks}${text}`, exitCode: 0 }
}
