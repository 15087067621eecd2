/** Who asks for `invarctl probe`: the speaker of this machine, or one in the cluster that does not own the address. */
import { formatAddress, parseAddress } from '../net/ip/index.ts'
import { type KubeConfigSource, PODS, type Pod, SERVICE_L2_STATUSES, SERVICES } from '../operator/index.ts'
import { CannotRun } from './cannot-run.ts'
import { installNamespace, listAll } from './cluster-state.ts'
import { asking, type ClusterFlags, type Connection, connect } from './connection.ts'
import { askLocalSpeaker } from './local-speaker.ts'
import { stayingAlive } from './patience.ts'
import { type Probe, probeReport } from './probe.ts'
import type { ProbeFlags } from './program.ts'
import { runInSpeaker } from './remote-speaker.ts'
import type { Report } from './report.ts'

/** The way there and back. */
const OVERHEAD_MS = 15_000
const MAX_WAIT_MS = 10_000

export async function runProbe(text: string, flags: Omit<ProbeFlags, 'output'>): Promise<Report> {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new CannotRun(`${text} is not an IP address`, 'write for example 192.0.2.10')
  const address = formatAddress(parsed)
  const waitMs = Number(flags.wait)
  if (!Number.isInteger(waitMs) || waitMs < 1 || waitMs > MAX_WAIT_MS) {
    throw new CannotRun(`--wait ${flags.wait} is no time to wait`, `write milliseconds, 1 to ${MAX_WAIT_MS}`)
  }
  if (flags.local === true) return probeReport(await askedHere(address, waitMs, flags.socket))
  return probeReport(await stayingAlive(() => askedThere(address, waitMs, flags)))
}

async function askedHere(address: string, waitMs: number, socket: string): Promise<Probe> {
  const path = `/probe?address=${encodeURIComponent(address)}&wait=${waitMs}`
  return (await askLocalSpeaker(socket, path, waitMs + OVERHEAD_MS)) as Probe
}

async function askedThere(
  address: string,
  waitMs: number,
  flags: ClusterFlags & { readonly node?: string },
): Promise<Probe> {
  const connection = connect(flags)
  try {
    const namespace = await asking(connection, () => installNamespace(connection))
    const owners = await ownersOf(address, connection, namespace)
    const pod = chosen(await speakersIn(connection, namespace), owners, flags.node)
    const args = ['probe', address, '--local', '--wait', String(waitMs), '-o', 'json']
    const source: KubeConfigSource =
      flags.kubeconfig === undefined
        ? { kind: 'default', context: flags.context }
        : { kind: 'file', path: flags.kubeconfig, context: flags.context }
    const target = { namespace, name: pod.metadata.name }
    const probe = (await runInSpeaker(source, target, args, waitMs + OVERHEAD_MS)) as Probe
    return { ...probe, reportedBy: owners }
  } finally {
    connection.client.close()
  }
}

/** The nodes that report that they answer for a Service with this address. */
function ownersOf(address: string, connection: Connection, namespace: string): Promise<readonly string[]> {
  return asking(connection, async () => {
    const [services, reports] = await Promise.all([
      listAll(connection, SERVICES, undefined, () => undefined),
      listAll(connection, SERVICE_L2_STATUSES, namespace, () => undefined),
    ])
    const shows = services.filter(({ status }) => status?.loadBalancer?.ingress?.some(({ ip }) => ip === address))
    const keys = new Set(shows.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`))
    const about = reports.filter(({ status }) => keys.has(`${status?.serviceNamespace}/${status?.serviceName}`))
    return [...new Set(about.flatMap(({ status }) => status?.node ?? []))]
  })
}

/** By the labels of the manifests, or of the chart. */
const SPEAKER_LABELS = ['component=speaker', 'app.kubernetes.io/component=speaker']

function speakersIn({ client, ...connection }: Connection, namespace: string): Promise<readonly Pod[]> {
  return asking({ client, ...connection }, async () => {
    const lists = await Promise.all(
      SPEAKER_LABELS.map((labelSelector) => client.list(PODS, { namespace, labelSelector })),
    )
    return lists.flatMap(({ items }) => items).filter(({ status }) => status?.phase === 'Running')
  })
}

function chosen(pods: readonly Pod[], owners: readonly string[], node: string | undefined): Pod {
  const nodes = pods.map(({ spec }) => spec?.nodeName).join(', ') || 'none'
  if (node !== undefined) {
    const pod = pods.find(({ spec }) => spec?.nodeName === node)
    if (pod === undefined) throw new CannotRun(`no speaker runs on node ${node}`, `there are speakers on: ${nodes}`)
    return pod
  }
  const other = pods.find(({ spec }) => !owners.includes(spec?.nodeName ?? ''))
  if (other !== undefined) return other
  throw new CannotRun('no speaker runs on a node that does not own the address', `name one with --node (${nodes})`)
}
