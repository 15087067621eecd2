/** Checks of the programs: whether they run where they should, know each other, and get their sockets. Pure. */
import { imageTagOf, isReady, type PodShape, restartsOf, whyNotReady } from '../installation.ts'
import { leaderOf } from '../overview.ts'
import { type DoctorFacts, settingOf } from './facts.ts'
import type { Found, Outcome } from './finding.ts'
import { portMissed } from './last-words.ts'

export function controllerDown(facts: DoctorFacts): Outcome {
  const { controllers, namespace } = facts.installation
  const deployment = { kind: 'Deployment', namespace, name: 'controller' }
  if (controllers.length === 0) {
    const remedy = 'install Invar (helm, or kubectl apply -k deploy/), or say where it is with --install-namespace'
    return [{ severity: 'error', object: deployment, what: 'no Pod of a controller is there', remedy }]
  }
  const severity = controllers.some(isReady) ? 'warning' : 'error'
  const down = controllers.flatMap((pod) => notReady(pod, severity, facts.lastWords))
  if (down.length > 0 || facts.installation.lease === undefined || leaderOf(facts) !== undefined) return down
  const what = `no controller has renewed the Lease since ${facts.installation.lease.renewedAt}`
  const remedy = `kubectl logs -n ${namespace} -l component=controller says what it waits for`
  return [{ severity: 'error', object: deployment, what, remedy }]
}

export function speakerDown({ installation, nodes, unanswered, lastWords }: DoctorFacts): Outcome {
  const { speakers, namespace } = installation
  if (speakers.length === 0) {
    const remedy = 'kubectl describe daemonset says what keeps its Pods from being created'
    const object = { kind: 'DaemonSet', namespace, name: 'speaker' }
    return [{ severity: 'error', object, what: 'no Pod of a speaker is there: no address is announced', remedy }]
  }
  const found = speakers.flatMap((pod) => notReady(pod, 'error', lastWords))
  const told = new Set(speakers.filter((pod) => !isReady(pod)).map(({ spec }) => spec?.nodeName))
  const waiting = nodes.filter(({ ready, node }) => !ready && !told.has(node))
  const silent = unanswered.filter(({ node }) => !told.has(node))
  return [
    ...found,
    ...waiting.map(({ node, waitsFor }): Found => {
      const remedy = 'the speaker goes on by itself as soon as that is there'
      return { severity: 'error', object: nodeOf(node), what: `its speaker waits: ${waitsFor}`, remedy }
    }),
    ...silent.map(({ node, because }): Found => {
      const remedy = 'you need the right to create pods/exec; else kubectl logs of the Pod says more'
      return { severity: 'warning', object: nodeOf(node), what: `its speaker cannot be asked: ${because}`, remedy }
    }),
  ]
}

function notReady(pod: PodShape, severity: Found['severity'], lastWords: DoctorFacts['lastWords']): readonly Found[] {
  const because = whyNotReady(pod)
  if (because === undefined) return []
  const { namespace = '', name } = pod.metadata
  const restarts = restartsOf(pod)
  const after = restarts === 0 ? '' : ` (restarted ${restarts} times)`
  const previous = restarts === 0 ? '' : ' --previous'
  const words = lastWords.get(name)
  const last = words === undefined ? '' : `; its last words: ${words}`
  const remedy = `kubectl logs -n ${namespace} ${name}${previous} says why; kubectl describe pod says what Kubernetes waits for`
  return [
    { severity, object: { kind: 'Pod', namespace, name }, what: `is not ready: ${because}${after}${last}`, remedy },
  ]
}

export function speakerMissing({ installation, rawNodes }: DoctorFacts): Outcome {
  const { speakers } = installation
  if (speakers.length === 0) return []
  const without = rawNodes.filter(({ metadata }) => !speakers.some(({ spec }) => spec?.nodeName === metadata.name))
  return without.map(({ metadata, spec }): Found => {
    const taints = (spec?.taints ?? []).filter(({ effect }) => effect !== 'PreferNoSchedule').map(({ key }) => key)
    const what = taints.length === 0 ? 'runs no speaker' : `runs no speaker; it is tainted with ${taints.join(', ')}`
    const remedy =
      'if its addresses should be announced from there, let the DaemonSet tolerate it (speaker.tolerations, speaker.nodeSelector)'
    return { severity: 'warning', object: nodeOf(metadata.name), what, remedy }
  })
}

export function versionSkew({ installation, nodes, version }: DoctorFacts): Outcome {
  const { controllers, speakers } = installation
  const ofPod = (pod: PodShape) => {
    const told = nodes.find(({ node }) => node === pod.spec?.nodeName)?.version
    return speakers.includes(pod) && told !== undefined ? told : imageTagOf(pod)
  }
  const known = [...controllers, ...speakers].flatMap((pod) => {
    const runs = ofPod(pod)
    return runs === undefined || !/^v?\d+\.\d+\.\d+/.test(runs) ? [] : [{ pod, runs: runs.replace(/^v/, '') }]
  })
  return known
    .filter(({ runs }) => runs !== version)
    .map(({ pod, runs }): Found => {
      const { namespace = '', name } = pod.metadata
      const remedy = 'finish the upgrade, and take the invarctl of the release that runs'
      const what = `runs version ${runs}, this invarctl is ${version}`
      return { severity: 'warning', object: { kind: 'Pod', namespace, name }, what, remedy }
    })
}

export function membershipSecret({ installation, membershipSecret: secret }: DoctorFacts): Outcome {
  if (secret.kind === 'unknown') return { unknown: secret.because }
  if (secret.value === undefined || secret.value.hasKey) return []
  const { name, isThere } = secret.value
  const object = { kind: 'Secret', namespace: installation.namespace, name }
  const what = isThere ? 'has no secretkey: speakers claim no address' : 'is not there: speakers claim no address'
  const remedy =
    'the controller creates it when it leads and is given --ml-secret-name; or kubectl create secret generic with the key secretkey'
  return [{ severity: 'error', object, what, remedy }]
}

/** Two speakers that run and answer, one of which does not hear the other. */
export function membersUnheard({ nodes, installation }: DoctorFacts): Outcome {
  // Without a key nobody watches who is alive.
  if ((settingOf(installation.speakers, 'ml-secret-name', 'METALLB_ML_SECRET_NAME') ?? '') === '') return []
  const members = nodes.filter(({ ready }) => ready)
  return members.flatMap(({ node, alive }): readonly Found[] => {
    const missed = members.map((one) => one.node).filter((other) => other !== node && !alive.includes(other))
    if (missed.length === 0) return []
    const what = `its speaker does not hear ${missed.join(', ')}: both may answer for the same address`
    const remedy =
      'let UDP port 7946 (--ml-bindport) through between the nodes, and multicast on their segment; all need the same Secret'
    return [{ severity: 'error', object: nodeOf(node), what, remedy }]
  })
}

export function portTaken({ nodes, lastWords, installation }: DoctorFacts): Outcome {
  const missed = [...lastWords].flatMap(([name, words]): readonly Found[] => {
    const port = portMissed(words)
    if (port === undefined) return []
    const what = `could not start: another program holds port ${port}`
    const remedy = `find it with ss -ltunp on the node, and end it or give the program another port (values of the chart)`
    return [{ severity: 'error', object: { kind: 'Pod', namespace: installation.namespace, name }, what, remedy }]
  })
  const held = nodes.flatMap(({ node, kernel }) =>
    kernel.ports
      .filter(({ heldBy }) => heldBy === 'others')
      .map(({ purpose, protocol, port }): Found => {
        const isOurs = !purpose.startsWith('MetalLB')
        const what = isOurs
          ? `another program holds ${protocol} port ${port} (${purpose} of the speaker)`
          : `another program holds ${protocol} port ${port} (${purpose}): a speaker of MetalLB may be left there`
        const remedy = isOurs
          ? `find it with ss -l${protocol[0]}np on the node, and end it or give the speaker another port`
          : 'kubectl get pods -A -o wide finds it; remove MetalLB before Invar announces'
        return { severity: isOurs && purpose !== 'BGP' ? 'error' : 'warning', object: nodeOf(node), what, remedy }
      }),
  )
  return [...missed, ...held]
}

export function socketFault({ nodes }: DoctorFacts): Outcome {
  return nodes.flatMap(({ node, faults }) =>
    faults.map(({ code, message, at }): Found => {
      const remedy =
        code === 'EPERM' || code === 'EACCES'
          ? 'the speaker needs the capability NET_RAW; see its securityContext'
          : 'if it has not ceased since, kubectl logs of the speaker says more'
      return { severity: 'warning', object: nodeOf(node), what: `${message} (${at})`, remedy }
    }),
  )
}

function nodeOf(name: string): Found['object'] {
  return { kind: 'Node', name }
}
