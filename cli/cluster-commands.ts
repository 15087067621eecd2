/** The commands that ask a cluster: read its state, let the pure half judge it. Loaded only when one of them runs. */

import { formatAddress, parseAddress } from '../net/ip/index.ts'
import { type AnnouncedCluster, readAnnouncedCluster } from './announced-cluster.ts'
import { CannotRun } from './cannot-run.ts'
import { type ClusterState, type OnRead, readClusterState } from './cluster-state.ts'
import { type ClusterFlags, type Connection, connect } from './connection.ts'
import { drainReport, simulateDrain } from './drain.ts'
import { explain } from './explain.ts'
import { explainReport } from './explain-report.ts'
import { readManifests } from './manifest-files.ts'
import { type OwnerTarget, ownerRows, ownersReport } from './owners.ts'
import { plan } from './plan.ts'
import { planReport } from './plan-report.ts'
import { changedCluster, parseDeletion } from './planned-change.ts'
import { poolRows, poolsReport } from './pools.ts'
import { withProgress } from './progress.ts'
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

/** @param target undefined = everything; else an address, or a Service as `explain` takes it */
export async function runOwners(target: string | undefined, flags: ClusterFlags): Promise<Report> {
  return withAnnouncedCluster(flags, (connection, cluster) => {
    const meant = ownerTarget(target, connection.namespace)
    const rows = ownerRows(cluster, meant)
    if (rows.length === 0 && meant.kind === 'address') {
      throw new CannotRun(`no Service has the address ${meant.address}`, 'invarctl owners lists all')
    }
    if (rows.length === 0 && meant.kind === 'service') {
      throw new CannotRun(
        `there is no Service ${meant.key} with an address`,
        `invarctl explain svc/${meant.key} says why`,
      )
    }
    return ownersReport(rows, meant.kind !== 'all')
  })
}

export async function runDrain(node: string, flags: ClusterFlags): Promise<Report> {
  return withAnnouncedCluster(flags, (_, cluster) => {
    const names = cluster.state.nodes.map(({ name }) => name)
    if (!names.includes(node)) throw new CannotRun(`there is no node ${node}`, 'kubectl get nodes lists all')
    return drainReport(simulateDrain(cluster, node))
  })
}

function ownerTarget(text: string | undefined, namespace: string): OwnerTarget {
  if (text === undefined) return { kind: 'all' }
  const address = parseAddress(text)
  if (address !== undefined) return { kind: 'address', address: formatAddress(address) }
  const service = parseTarget(text, namespace)
  return { kind: 'service', key: `${service.namespace}/${service.name}` }
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
    return planReport(plan(state, changed.state, changed.refused))
  })
}

async function withAnnouncedCluster(
  flags: ClusterFlags,
  run: (connection: Connection, cluster: AnnouncedCluster) => Report,
): Promise<Report> {
  return withCluster(flags, async (connection, state, onRead) => {
    return run(connection, await readAnnouncedCluster(connection, state, onRead))
  })
}

/** Reads the state of the cluster and has it judged, saying meanwhile how far it has come. */
export async function withCluster(
  flags: ClusterFlags,
  run: (connection: Connection, state: ClusterState, onRead: OnRead) => Report | Promise<Report>,
): Promise<Report> {
  const connection = connect(flags)
  try {
    return await withProgress(`the API server at ${connection.server}`, async (progress) => {
      const onRead: OnRead = (plural, count) => progress.read(plural, count)
      return run(connection, await readClusterState(connection, onRead), onRead)
    })
  } finally {
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
