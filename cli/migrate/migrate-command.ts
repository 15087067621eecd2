/** `invarctl migrate from-metallb`: looks, says what would be different, and with `--yes` does its half of the work. */
import { SERVICES, type Service } from '../../operator/index.ts'
import { CannotRun } from '../cannot-run.ts'
import { type ClusterState, listAll, readClusterState } from '../cluster-state.ts'
import type { MigrateFlags } from '../commands/migrate.ts'
import { asking, type Connection, connect } from '../connection.ts'
import { type Progress, withProgress } from '../progress.ts'
import type { Report } from '../report.ts'
import type { Found } from './found.ts'
import { judgeMigration } from './migration.ts'
import { migrationReport } from './migration-report.ts'
import { readFound } from './read-found.ts'
import { loadBalancerClassOf } from './settings.ts'
import { type Step, sentenceOf } from './steps.ts'
import { takeStep } from './take-steps.ts'

const SOURCE = 'from-metallb'

/** @param source `from-metallb` */
export async function runMigration(source: string, flags: Omit<MigrateFlags, 'output'>): Promise<Report> {
  if (source !== SOURCE) throw new CannotRun(`${source} is not known`, `write migrate ${SOURCE}`)
  if (flags.dryRun && flags.yes) throw new CannotRun('--dry-run and --yes exclude each other', 'leave one out')
  const connection = connect(flags)
  try {
    return await asking(connection, () => migrate(connection, flags))
  } finally {
    connection.client.close()
  }
}

async function migrate(
  connection: Connection,
  { yes = false, force = false }: Omit<MigrateFlags, 'output'>,
): Promise<Report> {
  const { found, state } = await withProgress(`the API server at ${connection.server}`, (progress) =>
    read(connection, progress),
  )
  const { migration, steps } = judgeMigration(found, state)
  if (!yes) return migrationReport(migration, 'looked')
  const isStopped = migration.findings.some(({ severity }) => severity === 'stops')
  if (isStopped && !force) return migrationReport(migration, 'refused')
  for (const [index, step] of steps.entries()) {
    process.stderr.write(`${index + 1}/${steps.length} ${sentenceOf(step)}\n`)
    await withProgress(waitingWords(step), () => takeStep(connection.client, step))
  }
  if (steps.length > 0) await assertNothingMoved(connection, state?.services ?? [])
  return migrationReport(migration, 'done')
}

interface Read {
  readonly found: Found
  /** undefined = the resources of metallb.io are not there. */
  readonly state: ClusterState | undefined
}

async function read(connection: Connection, progress: Progress): Promise<Read> {
  const found = await readFound(connection)
  const hasResources = found.definitions.some(({ metadata }) => metadata.name === 'ipaddresspools.metallb.io')
  if (!hasResources) return { found, state: undefined }
  const lbClass = connection.flags.lbClass ?? loadBalancerClassOf(found.controllers)
  const flags = { ...connection.flags, installNamespace: found.namespace, lbClass }
  const onRead = (plural: string, count: number) => progress.read(plural, count)
  return { found, state: await readClusterState({ ...connection, flags }, onRead) }
}

const WAITING_WORDS: Partial<Record<Step['kind'], string>> = {
  'wait-for-controller': "Invar's controller to be ready",
  'wait-for-speakers': "Invar's speakers to be ready",
}

function waitingWords({ kind }: Step): string {
  return WAITING_WORDS[kind] ?? "MetalLB's Pods to end"
}

/** Whatever was done: the addresses are where they were. @throws CannotRun where one is not */
async function assertNothingMoved(connection: Connection, before: readonly Service[]): Promise<void> {
  const now = await listAll(connection, SERVICES, undefined, () => undefined)
  const addresses = new Map(now.map((service) => [keyOfService(service), addressesOf(service)]))
  const moved = before
    .filter((service) => addressesOf(service) !== '')
    .filter((service) => addresses.has(keyOfService(service)))
    .filter((service) => addresses.get(keyOfService(service)) !== addressesOf(service))
    .map((service) => `${keyOfService(service)} (was ${addressesOf(service)})`)
  if (moved.length === 0) return
  throw new CannotRun(`addresses changed meanwhile: ${moved.join(', ')}`, 'invarctl explain svc/NAME says why')
}

function keyOfService({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`
}

function addressesOf({ status }: Service): string {
  return (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip).join(' ')
}
