/** The part of the story that any cluster can play: install, pool, web server, an address, a shared address. */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { imageReference } from '../build/image.ts'
import type { Story } from './story.ts'

export interface Stage {
  readonly story: Story
  /** Runs kubectl as cluster admin. */
  kubectl(args: readonly string[], input?: string): string
  /** As kubectl, for commands that wait. */
  waitKubectl(args: readonly string[]): Promise<string>
  /** The pool's addresses where they are not the manifest's. */
  readonly pool?: string
}

export const NAMESPACE = 'metallb-system'
const ROOT = join(import.meta.dirname, '..')
/** Relative, as a person would type it. */
const MANIFESTS = relative(process.cwd(), join(import.meta.dirname, 'manifests'))

/** Runs kubectl and shows the command with what it printed; answers what it printed. */
export function show(stage: Stage, args: readonly string[]): string {
  const output = stage.kubectl(args)
  stage.story.command(`kubectl ${args.join(' ')}`, output)
  return output
}

export async function install(stage: Stage): Promise<string> {
  const path = join(ROOT, 'deploy')
  stage.story.command('kubectl apply -k deploy/', stage.kubectl(['apply', '-k', path]))
  const image = imageReference()
  for (const program of ['deployment/controller', 'daemonset/speaker']) {
    try {
      await stage.waitKubectl(['rollout', 'status', program, `--namespace=${NAMESPACE}`, '--timeout=60s'])
    } catch (cause) {
      show(stage, ['get', 'pods', '-o', 'wide', `--namespace=${NAMESPACE}`])
      show(stage, ['logs', program, '--tail=20', `--namespace=${NAMESPACE}`])
      const remedy = `is the image ${image} on every node (\`make image\` writes out/image.tar)?`
      throw new Error(`${program} does not become ready; ${remedy}`, { cause })
    }
  }
  show(stage, ['get', 'pods', '-o', 'wide', `--namespace=${NAMESPACE}`])
  return 'controller and speakers are ready'
}

export function configure(stage: Stage): string {
  const manifest = readFileSync(join(MANIFESTS, 'pool.yaml'), 'utf8')
  const pool = stage.pool === undefined ? manifest : manifest.replace('172.30.0.200-172.30.0.219', stage.pool)
  stage.story.say(pool)
  stage.story.command('kubectl apply -f pool.yaml', stage.kubectl(['apply', '-f', '-'], pool))
  return 'pool and L2 advertisement accepted'
}

/** Answers the address. */
export async function serve(stage: Stage): Promise<string> {
  show(stage, ['apply', '-f', join(MANIFESTS, 'web.yaml')])
  await stage.waitKubectl(['rollout', 'status', 'deployment/web', '--timeout=60s'])
  const address = await addressOf(stage, 'web')
  show(stage, ['get', 'svc', 'web'])
  // The speaker writes who announces; that comes a moment after the address.
  await waitForOwner(stage, 'web')
  show(stage, ['get', 'ipaddresspools,servicel2statuses', '-A'])
  return address
}

/** Answers the one address of both Services. */
export async function share(stage: Stage): Promise<string> {
  show(stage, ['apply', '-f', join(MANIFESTS, 'shared.yaml')])
  const tcp = await addressOf(stage, 'shared-tcp')
  const udp = await addressOf(stage, 'shared-udp')
  show(stage, ['get', 'svc', 'shared-tcp', 'shared-udp'])
  if (tcp !== udp) throw new Error(`the Services do not share an address: ${tcp} and ${udp}`)
  return tcp
}

/** The node that announces a Service, as its ServiceL2Status says; undefined where none does. */
export function ownerOf(stage: Stage, service: string): string | undefined {
  const path = `{.items[?(@.status.serviceName=="${service}")].status.node}`
  return stage.kubectl(['get', 'servicel2statuses', '-A', '-o', `jsonpath=${path}`]).trim() || undefined
}

/** What the demo made, newest first; the system folder last. */
export function remove(stage: Stage): void {
  for (const name of ['shared.yaml', 'web.yaml', 'pool.yaml']) {
    stage.kubectl(['delete', '--ignore-not-found', '-f', join(MANIFESTS, name)])
  }
  stage.kubectl(['delete', '--ignore-not-found', '-k', join(ROOT, 'deploy')])
}

async function addressOf(stage: Stage, service: string): Promise<string> {
  const path = '{.status.loadBalancer.ingress[0].ip}'
  await stage.waitKubectl(['wait', `--for=jsonpath=${path}`, `service/${service}`, '--timeout=30s'])
  return stage.kubectl(['get', 'service', service, '-o', `jsonpath=${path}`])
}

async function waitForOwner(stage: Stage, service: string): Promise<void> {
  for (let tries = 0; tries < 50 && ownerOf(stage, service) === undefined; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
