/** Where the tests on a whole cluster play: what the demo does and tells, they do without a word. */
import { buildImage } from '../../build/image.ts'
import { NAMESPACE, type Stage } from '../../demo/kubernetes.ts'
import { Story } from '../../demo/story.ts'
import { type Cluster, startCluster } from '../../testkit/cluster/index.ts'
import { Commands } from './commands.ts'

export interface EmptyStage {
  readonly cluster: Cluster
  readonly commands: Commands
  readonly stage: Stage
}

export function silentStage(cluster: Cluster): Stage {
  return {
    story: new Story(() => undefined),
    kubectl: (...of) => cluster.kubectl(...of),
    waitKubectl: (args) => cluster.startKubectl(args),
  }
}

/** A cluster with our image and the namespace that the documentation makes; nothing is installed. */
export async function emptyStage(nodes: number): Promise<EmptyStage> {
  const cluster = await startCluster({ images: [await buildImage()], nodes })
  await cluster.ready()
  const stage = silentStage(cluster)
  stage.kubectl(['create', 'namespace', NAMESPACE])
  stage.kubectl(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=privileged'])
  return { cluster, commands: new Commands(cluster), stage }
}

/** Of all Services in `default`, a line each. */
export function shownAddresses({ kubectl }: Stage): string {
  const path = 'jsonpath={range .items[*]}{.metadata.name}={.status.loadBalancer.ingress[*].ip}{"\\n"}{end}'
  return kubectl(['get', 'services', '-o', path])
}
