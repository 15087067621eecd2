/** The commands that ask a cluster: read its state, let the pure half judge it. Loaded only when one of them runs. */
import { systemClock } from '../runtime/clock.ts'
import { CannotRun } from './cannot-run.ts'
import { type ClusterState, readClusterState } from './cluster-state.ts'
import { type ClusterFlags, type Connection, connect } from './connection.ts'
import { explain } from './explain.ts'
import { explainReport } from './explain-report.ts'
import { readManifests } from './manifest-files.ts'
import { stayingAlive } from './patience.ts'
import { plan } from './plan.ts'
import { planReport } from './plan-report.ts'
import { changedCluster, parseDeletion } from './planned-change.ts'
import { poolRows, poolsReport } from './pools.ts'
import { Progress } from './progress.ts'
import type { Report } from './report.ts'
import { readServiceDetails } from './service-details.ts'

export async function runPools(flags: ClusterFlags): Promise<Report> {
  return withCluster(flags, (_, state) => poolsReport(poolRows(state)))
}

/** @param target `svc/NAME`, `service/NAME`, `NAME`, each also with the namespace: `NAMESPACE/NAME` */
export async function runExplain(target: string, flags: ClusterFlags): Promise<Report> {
  return withCluster(flags, async (connection, state) => {
    const service = parseTarget(target, connection.namespace)
    const key = `${service.namespace}/${service.name}`
    const isThere = ({ metadata }: ClusterState['services'][number]) => `${metadata.namespace}/${metadata.name}` === key
    if (!state.services.some(isThere)) throw noSuchService(service, state)
    const explanation = explain(state, key, await readServiceDetails(connection, service, state.resources.namespace))
    if (explanation === undefined) throw noSuchService(service, state)
    return explainReport(explanation)
  })
}

export async function runPlan(
  files: readonly string[],
  deletions: readonly string[],
  flags: ClusterFlags,
): Promise<Report> {
  if (files.length === 0 && deletions.length === 0) {
    throw new CannotRun('nothing to plan', 'name objects with -f FILE, or with --delete KIND/NAME')
  }
  const { objects } = files.length === 0 ? { objects: [] } : readManifests(files)
  const parsed = deletions.map(parseDeletion)
  return withCluster(flags, ({ namespace }, state) => {
    const changed = changedCluster(state, { objects, deletions: parsed, namespace })
    return planReport(plan(state, changed.state))
  })
}

async function withCluster(
  flags: ClusterFlags,
  run: (connection: Connection, state: ClusterState) => Report | Promise<Report>,
): Promise<Report> {
  const connection = connect(flags)
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const progress = new Progress(systemClock, say, `the API server at ${connection.server}`)
  try {
    return await stayingAlive(async () => {
      const state = await readClusterState(connection, (plural, count) => progress.read(plural, count))
      return run(connection, state)
    })
  } finally {
    progress.stop()
    connection.client.close()
  }
}

interface ServiceName {
  readonly namespace: string
  readonly name: string
}

export function parseTarget(target: string, namespace: string): ServiceName {
  const parts = target.split('/')
  const isTyped = /^(svc|services?)$/i.test(parts[0]!) && parts.length > 1
  const [first = '', second, ...rest] = isTyped ? parts.slice(1) : parts
  const name = second ?? first
  if (name === '' || first === '' || rest.length > 0) {
    throw new CannotRun(`${target} does not name a Service`, 'write svc/NAME, and its namespace with -n')
  }
  return { namespace: second === undefined ? namespace : first, name }
}

function noSuchService({ namespace, name }: ServiceName, { services }: ClusterState): CannotRun {
  const elsewhere = services.filter(({ metadata }) => metadata.name === name).map(({ metadata }) => metadata.namespace)
  const remedy =
    elsewhere.length === 0 ? 'kubectl get services -A lists all' : `there is one with -n ${elsewhere.join(', -n ')}`
  return new CannotRun(`there is no Service ${name} in namespace ${namespace}`, remedy)
}
