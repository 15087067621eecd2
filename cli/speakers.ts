/** The speakers of a cluster, and how one of them is asked. */
import { type KubeConfigSource, PODS, type Pod } from '../operator/index.ts'
import { CannotRun } from './cannot-run.ts'
import { asking, type ClusterFlags, type Connection } from './connection.ts'
import { runInSpeaker } from './remote-speaker.ts'

export interface SpeakerOf {
  readonly node: string
  readonly pod: { readonly namespace: string; readonly name: string }
}

/** Label selectors of the Pods of a program: those of the manifests, and of the chart. */
export function selectorsOf(component: 'controller' | 'speaker'): readonly string[] {
  return [`component=${component}`, `app.kubernetes.io/component=${component}`]
}

/** Those that run, by node. @throws CannotRun */
export function speakersIn(connection: Connection, namespace: string): Promise<readonly SpeakerOf[]> {
  return asking(connection, async () => {
    const { client } = connection
    const lists = await Promise.all(
      selectorsOf('speaker').map((labelSelector) => client.list(PODS, { namespace, labelSelector })),
    )
    return runningSpeakers(
      lists.flatMap(({ items }) => items),
      namespace,
    )
  })
}

/** Of these Pods, each once, by node. */
export function runningSpeakers(pods: readonly Pod[], namespace: string): readonly SpeakerOf[] {
  const running = pods.filter(({ status }) => status?.phase === 'Running')
  const byName = new Map(running.map((pod) => [pod.metadata.name, speakerOf(pod, namespace)]))
  return [...byName.values()].sort((a, b) => (a.node < b.node ? -1 : 1))
}

function speakerOf({ metadata, spec }: Pod, namespace: string): SpeakerOf {
  return { node: spec?.nodeName ?? '', pod: { namespace, name: metadata.name } }
}

/** @throws CannotRun where none runs there */
export function speakerOn(speakers: readonly SpeakerOf[], node: string): SpeakerOf {
  const found = speakers.find((speaker) => speaker.node === node)
  if (found !== undefined) return found
  throw new CannotRun(`no speaker runs on node ${node}`, `there are speakers on: ${nodesOf(speakers)}`)
}

/** For people. */
export function nodesOf(speakers: readonly SpeakerOf[]): string {
  return speakers.map(({ node }) => node).join(', ') || 'none'
}

/** Runs `invarctl` there and reads the JSON that it prints. @throws CannotRun */
export function askSpeaker(
  flags: ClusterFlags,
  { pod }: SpeakerOf,
  args: readonly string[],
  limitMs: number,
): Promise<unknown> {
  return runInSpeaker(kubeConfigSource(flags), pod, [...args, '--local', '-o', 'json'], limitMs)
}

/** Where the flags say that the kubeconfig is. */
export function kubeConfigSource({ kubeconfig, context }: ClusterFlags): KubeConfigSource {
  return kubeconfig === undefined ? { kind: 'default', context } : { kind: 'file', path: kubeconfig, context }
}
