/** The whole story on a cluster of our own: network namespaces on one LAN, and a client that is no node. */
import { join } from 'node:path'
import { buildImage, imageReference } from '../build/image.ts'
import { type PartName, prepare } from '../build/prepare.ts'
import { type Cluster, type ClusterNode, LAN_HOSTS, startCluster } from '../testkit/cluster/index.ts'
import { eventually } from '../testkit/eventually.ts'
import { configure, install, ownerOf, type Stage, serve, share, show } from './kubernetes.ts'
import { Probe } from './probe.ts'
import type { Story } from './story.ts'

/** How long the story waits for an address to come back; far beyond anything that is still a success. */
const DARK_LIMIT_MS = 30_000
/** Long enough after the return to see that it stays. */
const AFTERMATH_MS = 2_000
const PROBED_PORT = 53

/** What the image and the cluster need. */
export const NEEDED: readonly PartName[] = ['native', 'controlplane', 'packages', 'fixtures']

/** Builds and downloads what is needed; nothing where it is there. */
export function prepareOwnCluster(): Promise<void> {
  return prepare(NEEDED)
}

/** Plays the story and answers the cluster, which runs on; stops it where the story fails. */
export async function playOnOwnCluster(story: Story): Promise<Cluster> {
  let image = ''
  await story.chapter('The image, built without an engine', async () => {
    image = await buildImage()
    return imageReference()
  })
  let cluster: Cluster | undefined
  try {
    await story.chapter('A cluster on one LAN: API server, three kubelets, a client', async () => {
      cluster = await startCluster({ images: [image] })
      await cluster.ready()
      const wide = cluster.kubectl(['get', 'nodes', '-o', 'wide'])
      story.command('kubectl get nodes -o wide', wide)
      return `${cluster.nodes.length} nodes Ready`
    })
    await playScenes(story, cluster!)
    return cluster!
  } catch (error) {
    await cluster?.stop()
    throw error
  }
}

async function playScenes(story: Story, cluster: Cluster): Promise<void> {
  const stage: Stage = {
    story,
    kubectl: (args, input) => cluster.kubectl(args, input),
    waitKubectl: (args) => cluster.startKubectl(args),
  }
  let address = ''
  await story.chapter('kubectl apply -k deploy/', () => install(stage))
  await story.chapter('A pool, as in any MetalLB tutorial', () => configure(stage))
  await story.chapter('A web server with a Service of type LoadBalancer', async () => {
    address = await serve(stage)
    return `address ${address}`
  })
  await story.chapter('The client asks the address', () => ask(stage, cluster, address))
  await story.chapter('Two Services on one address', async () => {
    const shared = await share(stage)
    await askShared(stage, cluster, shared)
    address = shared
    return `${shared} answers TCP 80 and UDP ${PROBED_PORT}`
  })
  await story.chapter("The owner's node loses its power", () => powerOff(stage, cluster, address))
}

/** Through the address to the pods, and which node's MAC answered for it. */
async function ask(stage: Stage, cluster: Cluster, address: string): Promise<string> {
  const hosts = new Set<string>()
  const url = `http://${address}/`
  for (let request = 0; request < 6; request++) {
    const answer = await eventually(() => cluster.client.run('curl', '-sS', '--max-time', '1', url))
    if (request < 3) stage.story.command(`curl ${url}`, answer)
    hosts.add(/host=(\S+)/.exec(answer)?.[1] ?? '')
  }
  const owner = neighbour(stage, cluster, address)
  return `${hosts.size} pods answer through ${owner.name}`
}

/** Shows `ip neigh` and answers the node whose MAC stands there. */
function neighbour(stage: Stage, cluster: Cluster, address: string): ClusterNode {
  const line = cluster.client.run('ip', 'neigh', 'show', address)
  stage.story.command(`ip neigh show ${address}`, line)
  const owner = cluster.nodes.find((node) => line.includes(node.network.mac))
  if (owner === undefined) throw new Error(`no node's MAC answers for ${address}`)
  stage.story.say(`${owner.network.mac} is ${owner.name}`)
  return owner
}

async function askShared(stage: Stage, cluster: Cluster, address: string): Promise<void> {
  const url = `http://${address}/`
  stage.story.command(`curl ${url}`, await eventually(() => cluster.client.run('curl', '-sS', '--max-time', '1', url)))
  const probe = new Probe(cluster.client, address, PROBED_PORT)
  try {
    const from = await probe.began()
    stage.story.command(`echo hello | nc -u ${address} ${PROBED_PORT}`, from)
  } finally {
    await probe.stop()
  }
}

/** While a probe asks every 10 ms, the node that answers for the address is switched off. */
async function powerOff(stage: Stage, cluster: Cluster, address: string): Promise<string> {
  show(stage, ['get', 'servicel2statuses', '-A'])
  const owner = neighbour(stage, cluster, address)
  stage.story.say(`${LAN_HOSTS.client.address4} asks ${address} every 10 ms; now ${owner.name} is switched off`)
  const probe = new Probe(cluster.client, address, PROBED_PORT)
  await probe.began()
  probe.forget()
  await owner.powerOff()
  const silence = await probe.silence(DARK_LIMIT_MS)
  await new Promise((resolve) => setTimeout(resolve, AFTERMATH_MS))
  const sum = await probe.stop()
  if (silence === undefined) throw new Error(`${address} stayed dark for ${DARK_LIMIT_MS / 1000} s`)
  stage.story.say(`${sum.asked} probes, ${sum.answered} answers, longest silence ${sum.longestSilenceMs} ms`)
  const heir = neighbour(stage, cluster, address)
  if (heir === owner) throw new Error(`${owner.name} is off and its MAC is still in use`)
  show(stage, ['get', 'servicel2statuses', '-A'])
  show(stage, ['get', 'nodes'])
  const status = ownerOf(stage, 'shared-udp') ?? 'nobody yet'
  return `dark for ${sum.longestSilenceMs} ms; ${heir.name} answers (status says ${status})`
}

/** How to go on with a cluster that is left running. */
export function howToUse(cluster: Cluster, stopCommand: string): string {
  const client = `nsenter --net=${cluster.client.path} --`
  const logs = join(cluster.nodes[0]!.directory, '..')
  return [
    'The cluster is left running. Use it:',
    `  ${cluster.kubectlScript} get pods -A`,
    `  ${client} curl http://ADDRESS/     (as the client on the LAN)`,
    `  logs of kubelets and API server: ${logs}, ${cluster.plane.directory}`,
    'Stop it, with nothing left behind:',
    `  ${stopCommand}`,
  ].join('\n')
}
