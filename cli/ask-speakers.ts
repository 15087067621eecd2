/** Questions to the speakers of a cluster: each runs `invarctl … --local` in its container and tells what that prints. */
import { CannotRun } from './cannot-run.ts'
import { installNamespace, type OnRead } from './cluster-state.ts'
import { asking, type ClusterFlags, type Connection, connect } from './connection.ts'
import type { Unanswered } from './peers.ts'
import { withProgress } from './progress.ts'
import { askSpeaker, type SpeakerOf, speakerOn, speakersIn } from './speakers.ts'

/** For one speaker, the way there and back included. */
export const SPEAKER_LIMIT_MS = 15_000
/** Speakers asked at once: each is a connection to a kubelet. */
const AT_ONCE = 8

/** What was told, in the order of the nodes. */
export interface Told<T> {
  readonly answers: readonly T[]
  readonly unanswered: readonly Unanswered[]
}

/** What is asked, and which list of the answer is meant. */
export interface Question {
  readonly args: readonly string[]
  readonly list: string
}

/**
 * All speakers of the cluster, or that of one node; stderr says meanwhile how far it has come.
 * @throws CannotRun where there is none
 */
export async function askThere<T>(
  flags: ClusterFlags & { readonly node?: string },
  question: Question,
): Promise<Told<T>> {
  const connection = connect(flags)
  const ask = (speakers: readonly SpeakerOf[]) =>
    withProgress('the speakers', (progress) =>
      askEach<T>(connection, speakers, question, (what, count) => progress.read(what, count)),
    )
  try {
    const namespace = await asking(connection, () => installNamespace(connection))
    const speakers = await speakersIn(connection, namespace)
    if (flags.node !== undefined) return await ask([speakerOn(speakers, flags.node)])
    if (speakers.length > 0) return await ask(speakers)
    throw new CannotRun(
      `no speaker runs in namespace ${namespace}`,
      'is Invar elsewhere? say so with --install-namespace',
    )
  } finally {
    connection.client.close()
  }
}

/**
 * In the order of the speakers. One that does not answer does not keep the others from being heard.
 * @param onTold told after each answer how many there are
 */
export async function askEach<T>(
  { flags }: Connection,
  speakers: readonly SpeakerOf[],
  question: Question,
  onTold: OnRead,
): Promise<Told<T>> {
  const told = speakers.map((): Told<T> => ({ answers: [], unanswered: [] }))
  let [next, done] = [0, 0]
  const worker = async () => {
    while (next < speakers.length) {
      const index = next++
      told[index] = await askOne<T>(flags, speakers[index]!, question)
      onTold(`of ${speakers.length} speakers`, ++done)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { answers: told.flatMap(({ answers }) => answers), unanswered: told.flatMap(({ unanswered }) => unanswered) }
}

async function askOne<T>(flags: ClusterFlags, speaker: SpeakerOf, { args, list }: Question): Promise<Told<T>> {
  try {
    const told = await askSpeaker(flags, speaker, args, SPEAKER_LIMIT_MS)
    return { answers: (told as Readonly<Record<string, readonly T[]>>)[list] ?? [], unanswered: [] }
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error
    return { answers: [], unanswered: [{ node: speaker.node, because: error.message }] }
  }
}
