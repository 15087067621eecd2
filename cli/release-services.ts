/**
 * `invarctl release-services`: no Service is held any more by the finalizer of `--cleanup-finalizer`. The chart runs it
 * before it is uninstalled; afterwards nobody would take the finalizer off. The controller is stopped first, which would
 * put it back.
 */
import { ALLOCATED_FROM_POOL } from '../core/allocate/index.ts'
import { CLEANUP_FINALIZER } from '../core/status/index.ts'
import { ApiError, type Client, SERVICES, type Service, unless } from '../operator/index.ts'
import { installNamespace, listAll } from './cluster-state.ts'
import type { ReleaseServicesFlags } from './commands/migrate.ts'
import { asking, type Connection, connect } from './connection.ts'
import { type Progress, withProgress } from './progress.ts'
import { counted, type Report } from './report.ts'
import { stopDeployment } from './workloads.ts'

export async function runReleaseServices(flags: Omit<ReleaseServicesFlags, 'output'>): Promise<Report> {
  const connection = connect(flags)
  try {
    return await withProgress(`Deployment ${flags.deployment} to stop`, (progress) =>
      asking(connection, () => release(connection, flags, progress)),
    )
  } finally {
    connection.client.close()
  }
}

async function release(
  connection: Connection,
  { deployment }: Omit<ReleaseServicesFlags, 'output'>,
  progress: Progress,
): Promise<Report> {
  const namespace = await installNamespace(connection)
  await stopDeployment(connection.client, { namespace, name: deployment })
  const services = await listAll(connection, SERVICES, undefined, (plural, count) => progress.read(plural, count))
  const held = services.filter(isHeld)
  for (const service of held) await letGo(connection.client, service)
  const released = held.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const text = `Deployment ${namespace}/${deployment} is stopped; ${counted(held.length, 'Service was', 'Services were')} let go.\n`
  return { value: { deployment: { namespace, name: deployment }, released }, text: () => text, exitCode: 0 }
}

/** Others use a finalizer of the same name; ours came with our annotation (core/status). */
function isHeld({ metadata: { finalizers = [], annotations = {} } }: Service): boolean {
  return finalizers.includes(CLEANUP_FINALIZER) && annotations[ALLOCATED_FROM_POOL] !== undefined
}

/** With the version: a finalizer that somebody adds meanwhile stays. */
async function letGo(client: Client, service: Service): Promise<void> {
  const { namespace, name } = service.metadata
  let current: Service | undefined = service
  while (current !== undefined) {
    const { resourceVersion, finalizers = [] } = current.metadata
    const rest = finalizers.filter((one) => one !== CLEANUP_FINALIZER)
    if (rest.length === finalizers.length) return
    try {
      await client.patch(SERVICES, { namespace, name }, { metadata: { resourceVersion, finalizers: rest } })
      return
    } catch (error) {
      if (!(error instanceof ApiError) || (error.kind !== 'conflict' && error.kind !== 'not-found')) throw error
    }
    current = await unless(['not-found'], client.get(SERVICES, { namespace, name }))
  }
}
