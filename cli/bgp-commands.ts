/** Who is asked for `invarctl peers` and `invarctl routes`: the speaker of this machine, one in the cluster, or all. */
import { CannotRun } from './cannot-run.ts'
import { installNamespace } from './cluster-state.ts'
import type { SpeakerFlags } from './command.ts'
import { asking, type ClusterFlags, connect } from './connection.ts'
import { askLocalSpeaker } from './local-speaker.ts'
import { stayingAlive } from './patience.ts'
import { type PeerRow, peerRow, peersReport, type ToldPeer, type Unanswered } from './peers.ts'
import type { Report } from './report.ts'
import { type PeerRoutes, peerRoutes, routesReport, type ToldRoutes } from './routes.ts'
import { askSpeaker, type SpeakerOf, speakerOn, speakersIn } from './speakers.ts'

type Flags = ClusterFlags & Omit<SpeakerFlags, 'output'>

/** For one speaker, the way there and back included. */
const LIMIT_MS = 15_000
/** Speakers asked at once: each is a connection to a kubelet. */
const AT_ONCE = 8

export async function runPeers(flags: Flags): Promise<Report> {
  if (flags.local === true) {
    const { node, peers } = (await askLocalSpeaker(flags.socket, '/peers', LIMIT_MS)) as Told<ToldPeer>
    const rows = peers.map((peer) => peerRow(node, peer))
    return peersReport(rows, [])
  }
  const { answers, unanswered } = await askedThere<PeerRow>(flags, ['peers'])
  return peersReport(answers, unanswered)
}

/** @param peer name of a BGPPeer; undefined = all */
export async function runRoutes(peer: string | undefined, flags: Flags): Promise<Report> {
  const found = await (flags.local === true ? routesHere(peer, flags) : routesThere(peer, flags))
  if (peer !== undefined && found.answers.length === 0 && found.unanswered.length === 0) {
    throw new CannotRun(`no speaker has a peer ${peer}`, 'invarctl peers lists all')
  }
  return routesReport(found.answers, found.unanswered)
}

async function routesHere(peer: string | undefined, { socket }: Flags): Promise<Found<PeerRoutes>> {
  const path = peer === undefined ? '/routes' : `/routes?peer=${encodeURIComponent(peer)}`
  const { node, peers } = (await askLocalSpeaker(socket, path, LIMIT_MS)) as Told<ToldRoutes>
  return { answers: peers.map((one) => peerRoutes(node, one)), unanswered: [] }
}

/** All peers are asked for: a node that has not this one is no failure. */
async function routesThere(peer: string | undefined, flags: Flags): Promise<Found<PeerRoutes>> {
  const found = await askedThere<PeerRoutes>(flags, ['routes'])
  if (peer === undefined) return found
  return { ...found, answers: found.answers.filter((one) => one.peer === peer) }
}

interface Told<T> {
  readonly node: string
  readonly peers: readonly T[]
}

interface Found<T> {
  readonly answers: readonly T[]
  readonly unanswered: readonly Unanswered[]
}

async function askedThere<T>(flags: Flags, args: readonly string[]): Promise<Found<T>> {
  const connection = connect(flags)
  try {
    return await stayingAlive(async () => {
      const namespace = await asking(connection, () => installNamespace(connection))
      const speakers = await speakersIn(connection, namespace)
      if (flags.node !== undefined) return await askEach<T>(flags, [speakerOn(speakers, flags.node)], args)
      if (speakers.length > 0) return await askEach<T>(flags, speakers, args)
      throw new CannotRun(
        `no speaker runs in namespace ${namespace}`,
        'is Invar elsewhere? say so with --install-namespace',
      )
    })
  } finally {
    connection.client.close()
  }
}

/** In the order of the speakers. One that does not answer does not keep the others from being heard. */
async function askEach<T>(flags: Flags, speakers: readonly SpeakerOf[], args: readonly string[]): Promise<Found<T>> {
  const found = speakers.map((): Found<T> => ({ answers: [], unanswered: [] }))
  let next = 0
  const worker = async () => {
    while (next < speakers.length) {
      const index = next++
      found[index] = await askOne<T>(flags, speakers[index]!, args)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { answers: found.flatMap(({ answers }) => answers), unanswered: found.flatMap(({ unanswered }) => unanswered) }
}

async function askOne<T>(flags: Flags, speaker: SpeakerOf, args: readonly string[]): Promise<Found<T>> {
  try {
    const told = (await askSpeaker(flags, speaker, args, LIMIT_MS)) as { readonly peers: readonly T[] }
    return { answers: told.peers, unanswered: [] }
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error
    return { answers: [], unanswered: [{ node: speaker.node, because: error.message }] }
  }
}
