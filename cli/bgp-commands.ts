/** Who is asked for `invarctl peers` and `invarctl routes`: the speaker of this machine, one in the cluster, or all. */
import { askThere, SPEAKER_LIMIT_MS, type Told } from './ask-speakers.ts'
import { CannotRun } from './cannot-run.ts'
import type { SpeakerFlags } from './command.ts'
import { askLocalSpeaker } from './local-speaker.ts'
import { type PeerRow, peerRow, peersReport, type ToldPeer } from './peers.ts'
import type { Report } from './report.ts'
import { type PeerRoutes, peerRoutes, routesReport, type ToldRoutes } from './routes.ts'

type Flags = Omit<SpeakerFlags, 'output'>

export async function runPeers(flags: Flags): Promise<Report> {
  if (flags.local === true) {
    const { node, peers } = (await askLocalSpeaker(flags.socket, '/peers', SPEAKER_LIMIT_MS)) as Local<ToldPeer>
    const rows = peers.map((peer) => peerRow(node, peer))
    return peersReport(rows, [])
  }
  const { answers, unanswered } = await askThere<PeerRow>(flags, { args: ['peers'], list: 'peers' })
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

/** As the socket of a speaker answers. */
interface Local<T> {
  readonly node: string
  readonly peers: readonly T[]
}

async function routesHere(peer: string | undefined, { socket }: Flags): Promise<Told<PeerRoutes>> {
  const path = peer === undefined ? '/routes' : `/routes?peer=${encodeURIComponent(peer)}`
  const { node, peers } = (await askLocalSpeaker(socket, path, SPEAKER_LIMIT_MS)) as Local<ToldRoutes>
  return { answers: peers.map((one) => peerRoutes(node, one)), unanswered: [] }
}

/** All peers are asked for: a node that has not this one is no failure. */
async function routesThere(peer: string | undefined, flags: Flags): Promise<Told<PeerRoutes>> {
  const found = await askThere<PeerRoutes>(flags, { args: ['routes'], list: 'peers' })
  if (peer === undefined) return found
  return { ...found, answers: found.answers.filter((one) => one.peer === peer) }
}
