/** The Kubernetes part of the story on the cluster of the current kubeconfig. */
import { execFile, execFileSync } from 'node:child_process'
import { imageReference } from '../build/image.ts'
import { Missing, need } from '../build/progress.ts'
import { IMAGES } from '../testkit/cluster/index.ts'
import { configure, install, remove, type Stage, serve, share } from './kubernetes.ts'
import type { Story } from './story.ts'

/** Needs `POOL`, a range of free addresses on the nodes' network. Removes what it made unless `keep`. */
export async function playOnCurrentCluster(story: Story, keep: boolean): Promise<void> {
  const kubectl = need('kubectl', 'install kubectl, or play on a cluster of our own: `make demo`')
  const pool = process.env.POOL
  if (pool === undefined) {
    throw new Missing("POOL is not set: give free addresses of the nodes' network, POOL=192.0.2.10-192.0.2.19")
  }
  const stage: Stage = {
    story,
    pool,
    kubectl: (args, input) => execFileSync(kubectl, args, { encoding: 'utf8', input: input ?? '', stdio: 'pipe' }),
    waitKubectl: (args) =>
      new Promise((resolve, reject) => {
        execFile(kubectl, args, (error, stdout) => (error === null ? resolve(stdout) : reject(error)))
      }),
  }
  refuseWhereInUse(stage)
  const context = stage.kubectl(['config', 'current-context']).trim()
  story.say(`Cluster: ${context}. Its nodes need the images ${imageReference()} and ${IMAGES.web.reference}.`)
  try {
    await story.chapter('kubectl apply -k deploy/', () => install(stage))
    await story.chapter('A pool, as in any MetalLB tutorial', () => configure(stage))
    await story.chapter('A web server with a Service of type LoadBalancer', async () => `address ${await serve(stage)}`)
    await story.chapter('Two Services on one address', async () => `both on ${await share(stage)}`)
  } finally {
    if (!keep) remove(stage)
  }
}

/** What the demo removes in the end must have been its own. */
function refuseWhereInUse(stage: Stage): void {
  const found = stage.kubectl(['get', 'crd', 'ipaddresspools.metallb.io', '--ignore-not-found', '-o', 'name']).trim()
  if (found === '') return
  const remedy = 'choose a cluster without, or remove them: kubectl delete -k deploy/ (this deletes all pools)'
  throw new Missing(
    `this cluster has metallb.io resources already, which the demo would take over and delete; ${remedy}`,
  )
}
