/** A node and its speaker as the page shows them. Pure. */
import { EXCLUDE_LABEL, type NodeView } from '../../core/announce/index.ts'
import { type BgpPeer, matchesAny, type Snapshot } from '../../core/config/index.ts'
import type { SessionRow, SpeakerRow } from '../../page/model.ts'

/** What a speaker says of the configuration. */
export interface SpeakerState {
  readonly result: Exclude<SpeakerRow['configuration'], 'none'>
  /** '' = nothing. */
  readonly trouble: string
}

/** What a node told of a BGP session last. */
export interface ToldSession {
  readonly isUp: boolean
  /** RFC 3339. */
  readonly since: string
  readonly sentence: string
}

export function speakerRow(
  node: NodeView,
  state: SpeakerState | undefined,
  snapshot: Snapshot,
  toldOf: (peer: string) => ToldSession | undefined,
): SpeakerRow {
  const peers = [...snapshot.peers.values()].filter(({ nodeSelectors }) => matchesAny(nodeSelectors, node.labels))
  return {
    node: node.name,
    configuration: state?.result ?? 'none',
    ...(state !== undefined && state.trouble !== '' && { trouble: state.trouble }),
    notes: notesOf(node),
    sessions: peers.map((peer) => sessionRow(peer, toldOf(peer.name))),
  }
}

function notesOf({ labels, isCordoned, isReady, isNetworkUnavailable }: NodeView): readonly string[] {
  return [
    ...(isReady ? [] : ['not ready']),
    ...(isCordoned ? ['cordoned'] : []),
    ...(isNetworkUnavailable ? ['network unavailable'] : []),
    ...(labels[EXCLUDE_LABEL] === undefined ? [] : [`label ${EXCLUDE_LABEL}`]),
  ]
}

function sessionRow({ name }: BgpPeer, told: ToldSession | undefined): SessionRow {
  if (told === undefined) return { peer: name, state: 'quiet' }
  const { isUp, since, sentence } = told
  return { peer: name, state: isUp ? 'up' : 'down', since, sentence }
}
