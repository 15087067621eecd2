/** Who asks for `invarctl probe`: the speaker of this machine, or one in the cluster that does not own the address. */
import { formatAddress, parseAddress } from '../net/ip/index.ts'
import { SERVICE_L2_STATUSES, SERVICES } from '../operator/index.ts'
import { CannotRun } from './cannot-run.ts'
import { installNamespace, listAll } from './cluster-state.ts'
import type { ProbeFlags } from './commands/speakers.ts'
import { asking, type ClusterFlags, type Connection, connect } from './connection.ts'
import { askLocalSpeaker } from './local-speaker.ts'
import { type Probe, probeReport } from './probe.ts'
import type { Report } from './report.ts'
import { askSpeaker, nodesOf, type SpeakerOf, speakerOn, speakersIn } from './speakers.ts'

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
  return probeReport(await askedThere(address, waitMs, flags))
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
    const speaker = chosen(await speakersIn(connection, namespace), owners, flags.node)
    const args = ['probe', address, '--wait', String(waitMs)]
    const probe = (await askSpeaker(flags, speaker, args, waitMs + OVERHEAD_MS)) as Probe
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

function chosen(speakers: readonly SpeakerOf[], owners: readonly string[], node: string | undefined): SpeakerOf {
  if (node !== undefined) return speakerOn(speakers, node)
  const other = speakers.find((speaker) => !owners.includes(speaker.node))
  if (other !== undefined) return other
  const remedy = `name one with --node (${nodesOf(speakers)})`
  throw new CannotRun('no speaker runs on a node that does not own the address', remedy)
}
