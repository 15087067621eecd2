/** Who is asked for `invarctl nodes`. */

import { VERSION } from '../runtime/version.ts'
import { askThere, SPEAKER_LIMIT_MS } from './ask-speakers.ts'
import type { SpeakerFlags } from './command.ts'
import { askLocalSpeaker } from './local-speaker.ts'
import { type NodeRow, nodeRow, nodesReport, type ToldNode } from './nodes.ts'
import type { Report } from './report.ts'

/** How the speakers of a cluster are asked. */
export const NODES_QUESTION = { args: ['nodes'], list: 'nodes' } as const

export async function runNodes(flags: Omit<SpeakerFlags, 'output'>): Promise<Report> {
  if (flags.local === true) {
    const told = (await askLocalSpeaker(flags.socket, '/node', SPEAKER_LIMIT_MS)) as ToldNode
    return nodesReport([nodeRow(told, VERSION)], [])
  }
  const { answers, unanswered } = await askThere<NodeRow>(flags, NODES_QUESTION)
  return nodesReport(answers, unanswered)
}
