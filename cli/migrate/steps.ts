/**
 * What has to be done, in order, read off what there is: whoever is interrupted simply runs it again. Pure.
 *
 * In two halves. Before Invar is installed MetalLB's controller goes, and its speakers lose their DaemonSet but go on
 * announcing: no address falls silent while the user installs. When Invar's controller has taken over, MetalLB's speakers
 * end all at once, and Invar's, which have waited for that on every node, start: two that do not know each other never
 * answer for one address side by side.
 */
import type { ObjectName, Pod, Resource } from '../../operator/index.ts'
import { DAEMON_SET_WORKLOADS, DEPLOYMENT_WORKLOADS, type Workload } from '../workloads.ts'
import { type Found, type FoundObject, isWrittenByMetalLb, named } from './found.ts'
import { FRR_CONFIGURATIONS, WEBHOOKS } from './resources.ts'

export type Step =
  | { readonly kind: 'stop-deployment'; readonly name: ObjectName }
  /** So that it does not go when its owner does. */
  | { readonly kind: 'disown-secret'; readonly name: ObjectName }
  | { readonly kind: 'drop-conversion'; readonly definition: string }
  | { readonly kind: 'delete'; readonly resource: Resource; readonly name: ObjectName; readonly because: string }
  /** Deletes a DaemonSet; its Pods stay, under a label by which no other DaemonSet takes them for its own. */
  | { readonly kind: 'leave-pods'; readonly daemonSet: Workload }
  | { readonly kind: 'end-pods'; readonly pods: readonly Pod[] }
  | { readonly kind: 'wait-for-controller'; readonly name: ObjectName }
  | { readonly kind: 'wait-for-speakers'; readonly name: ObjectName }

/** Where a migration stands. */
export type Phase =
  /** Neither MetalLB nor anything of it is there. */
  | 'nothing-to-do'
  /** MetalLB works. */
  | 'metallb-works'
  /** MetalLB's speakers announce what they know; Invar is to be installed now. */
  | 'invar-missing'
  /** Both are there, and Invar's speakers wait. */
  | 'hand-over'
  /** Invar works; there are things that nobody needs any more. */
  | 'remains'

export function phaseOf(found: Found): Phase {
  if (found.controllers.length > 0 || found.speakers.length > 0) return 'metallb-works'
  const isInvarThere = found.invar.controller !== undefined && found.invar.speaker !== undefined
  if (found.leftPods.length > 0) return isInvarThere ? 'hand-over' : 'invar-missing'
  return remainsOf(found).length > 0 ? 'remains' : 'nothing-to-do'
}

export function stepsOf(found: Found): readonly Step[] {
  switch (phaseOf(found)) {
    case 'metallb-works':
      return firstHalf(found)
    case 'hand-over':
      return [...secondHalf(found), ...remainsOf({ ...found, frr: [], frrConfigurations: [] })]
    case 'remains':
      return remainsOf(found)
    default:
      return []
  }
}

function firstHalf({ controllers, speakers, ownedSecrets, webhooks, definitions }: Found): readonly Step[] {
  const names = controllers.map(({ metadata }) => nameOf(metadata))
  const peers = definitions.find(({ metadata }) => metadata.name === 'bgppeers.metallb.io')
  const steps: Step[] = names.map((name) => ({ kind: 'stop-deployment', name }))
  if (webhooks !== undefined && controllers.length > 0) {
    const because = 'nobody answers it any more, and it would refuse every change'
    steps.push({ kind: 'delete', resource: WEBHOOKS, name: { name: webhooks.metadata.name }, because })
  }
  // What is stored in the newer version needs no conversion, and Invar's definitions bring none.
  const hasOldPeers = peers?.status?.storedVersions?.includes('v1beta1') ?? false
  if (hasOldPeers && peers?.spec?.conversion?.strategy === 'Webhook') {
    steps.push({ kind: 'drop-conversion', definition: peers.metadata.name })
  }
  for (const { metadata } of ownedSecrets) steps.push({ kind: 'disown-secret', name: nameOf(metadata) })
  const because = 'Invar may need its name, and cannot change its selector'
  for (const name of names) steps.push({ kind: 'delete', resource: DEPLOYMENT_WORKLOADS, name, because })
  return [...steps, ...speakers.map((daemonSet) => ({ kind: 'leave-pods', daemonSet }) as const)]
}

function secondHalf(found: Found): readonly Step[] {
  const { leftPods, invar } = found
  return [
    { kind: 'wait-for-controller', name: nameOf(invar.controller!.metadata) },
    ...frrSteps(found),
    { kind: 'end-pods', pods: leftPods },
    { kind: 'wait-for-speakers', name: nameOf(invar.speaker!.metadata) },
  ]
}

/** FRR of a user who gives it configuration of his own stays; what MetalLB made it announce goes. */
function frrSteps({ frr, frrConfigurations }: Found): readonly Step[] {
  const written = frrConfigurations.filter(isWrittenByMetalLb).map(({ metadata }) => ({
    ...({ kind: 'delete', resource: FRR_CONFIGURATIONS, name: nameOf(metadata) } as const),
    because: 'MetalLB wrote it, and FRR would go on announcing by it',
  }))
  if (written.length < frrConfigurations.length) return written
  const because = 'it speaks BGP for MetalLB, and routers take one session from an address'
  return [...written, ...frr.map((one) => deletion(one, because))]
}

/** What Invar has not taken over. Nothing while it is not there: MetalLB may come back. */
function remainsOf(found: Found): readonly Step[] {
  const { remains, releaseRecords, invar } = found
  if (invar.controller === undefined) return []
  const useless = remains.map((one) => deletion(one, 'nobody uses it any more'))
  const records = releaseRecords.map(({ metadata }) => ({
    ...({ kind: 'delete', resource: SECRET, name: nameOf(metadata) } as const),
    because: 'by it, helm uninstall would delete the CustomResourceDefinitions with every pool',
  }))
  return [...frrSteps(found), ...useless, ...records]
}

const SECRET: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }

function deletion({ resource, object }: FoundObject, because: string): Step {
  return { kind: 'delete', resource, name: nameOf(object.metadata), because }
}

function nameOf({ namespace, name }: ObjectName): ObjectName {
  return namespace === undefined ? { name } : { namespace, name }
}

/** In one sentence, with every object's name. */
export function sentenceOf(step: Step): string {
  switch (step.kind) {
    case 'stop-deployment':
      return `scale ${textOf('Deployment', step.name)} to 0 and wait for its Pods to end: two that write addresses of Services undo each other's work`
    case 'disown-secret':
      return `take the owner off ${textOf('Secret', step.name)}, so that the key outlives MetalLB's Deployment`
    case 'drop-conversion':
      return `switch the conversion webhook of CustomResourceDefinition ${step.definition} off: nobody answers it any more`
    case 'delete':
      return `delete ${textOf(step.resource.kind, step.name)}: ${step.because}`
    case 'leave-pods':
      return `delete ${named({ resource: DAEMON_SET_WORKLOADS, object: step.daemonSet })} without its Pods, which go on announcing`
    case 'end-pods':
      return `end ${step.pods.map(({ metadata }) => textOf('Pod', metadata)).join(', ')}: Invar's speakers start as these go`
    case 'wait-for-controller':
      return `wait until ${textOf('Deployment', step.name)} is ready: it has taken the addresses over then`
    default:
      return `wait until ${textOf('DaemonSet', step.name)} is ready on every node`
  }
}

function textOf(kind: string, { namespace, name }: ObjectName): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`
}
