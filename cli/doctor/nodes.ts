/** Checks of the nodes: kernel, links, labels, BGP sessions. Pure. */
import { parse } from 'yaml'
import { EXCLUDE_LABEL } from '../../core/announce/index.ts'
import { usableNames } from '../nodes.ts'
import type { DoctorFacts } from './facts.ts'
import type { Found, Outcome } from './finding.ts'

/**
 * In IPVS mode every address lies on an interface of every node, and the kernel answers ARP for it there, unless it is
 * told to answer only for what lies on the link of the question.
 */
export function strictArp({ nodes, kubeProxy }: DoctorFacts): Outcome {
  const remedy = 'set ipvs.strictARP: true in the ConfigMap kube-proxy of kube-system, and restart kube-proxy'
  const loose = nodes.filter(({ kernel }) => kernel.hasIpvs && settingOfAll(kernel.links, 'arpIgnore') === 0)
  if (loose.length > 0) {
    return loose.map(({ node }): Found => {
      const what = 'kube-proxy works with IPVS and arp_ignore is 0: the node answers ARP for every address'
      return { severity: 'error', object: { kind: 'Node', name: node }, what, remedy }
    })
  }
  if (nodes.length > 0) return []
  if (kubeProxy.kind === 'unknown') return { unknown: kubeProxy.because }
  const { mode, ipvs } = proxyConfiguration(kubeProxy.value?.data?.['config.conf'])
  if (mode !== 'ipvs' || ipvs?.strictARP === true) return []
  const object = { kind: 'ConfigMap', namespace: 'kube-system', name: 'kube-proxy' }
  const what = 'mode is ipvs and strictARP is false: every node answers ARP for every address'
  return [{ severity: 'error', object, what, remedy }]
}

interface ProxyConfiguration {
  readonly mode?: string
  readonly ipvs?: { readonly strictARP?: boolean }
}

function proxyConfiguration(text: string | undefined): ProxyConfiguration {
  return text === undefined ? {} : ((parse(text) as ProxyConfiguration | null) ?? {})
}

type Links = DoctorFacts['nodes'][number]['kernel']['links']

function settingOfAll(links: Links, setting: 'arpIgnore' | 'rpFilter'): number {
  return links.find(({ name }) => name === 'all')?.[setting] ?? 0
}

/** With one link every packet comes by the link that the answer leaves by. */
export function rpFilter({ nodes }: DoctorFacts): Outcome {
  return nodes.flatMap((row): readonly Found[] => {
    const usable = usableNames(row)
    if (usable.length < 2) return []
    const { links } = row.kernel
    const all = settingOfAll(links, 'rpFilter')
    // The kernel takes the larger of the two (ip-sysctl, rp_filter); 1 is strict, 2 loose.
    const strict = links.filter(({ name, rpFilter: own }) => usable.includes(name) && Math.max(all, own) === 1)
    if (strict.length === 0) return []
    const names = strict.map(({ name }) => name).join(', ')
    const what = `rp_filter is strict on ${names}, and the node has ${usable.length} links: requests that come by another link than their answers leave by are dropped`
    const remedy = `set net.ipv4.conf.all.rp_filter to 2 (loose) where that may happen`
    return [{ severity: 'warning', object: { kind: 'Node', name: row.node }, what, remedy }]
  })
}

export function linkDown({ nodes }: DoctorFacts): Outcome {
  return nodes.flatMap((row): readonly Found[] => {
    const object = { kind: 'Node', name: row.node }
    const unusable = row.interfaces.filter(({ usable }) => !usable)
    const list = unusable.map(({ name, because }) => `${name} (${because})`).join(', ')
    if (usableNames(row).length === 0) {
      const what = `has no link that addresses can be announced on${list === '' ? '' : `: ${list}`}`
      const remedy =
        'plug its cable, or put it right what announcedInterfacesToExclude of ConfigMap metallb-excludel2 leaves out'
      return [{ severity: 'error', object, what, remedy }]
    }
    const dark = unusable.filter(({ because }) => because === 'no-carrier')
    return dark.map(({ name }): Found => {
      const remedy = 'plug its cable, or take it down where it is not meant to be used'
      return { severity: 'notice', object, what: `link ${name} has no carrier`, remedy }
    })
  })
}

export function uplinkLost({ nodes }: DoctorFacts): Outcome {
  return nodes.flatMap(({ node, uplinks }) =>
    uplinks
      .filter(({ reachable }) => !reachable)
      .map(({ interface: name, target }): Found => {
        const remedy = 'its addresses move where another node has a way out; mend the link, or --gateway-probe'
        return {
          severity: 'error',
          object: { kind: 'Node', name: node },
          what: `${target} does not answer by ${name}`,
          remedy,
        }
      }),
  )
}

export function nodeExcluded({ rawNodes, installation }: DoctorFacts): Outcome {
  const ignores = installation.speakers.some(({ spec }) =>
    (spec?.containers ?? []).some(({ args = [] }) => args.some((one) => /^--?ignore-exclude-lb(=true)?$/.test(one))),
  )
  if (ignores) return []
  const excluded = rawNodes.filter(({ metadata }) => metadata.labels?.[EXCLUDE_LABEL] !== undefined)
  const isAll = excluded.length === rawNodes.length
  return excluded.map(({ metadata }): Found => {
    const what = `has the label ${EXCLUDE_LABEL}${isAll ? ', as all nodes have: no address is announced' : ''}`
    const remedy = `kubectl label node ${metadata.name} ${EXCLUDE_LABEL}- where it is to announce addresses, or start speakers with --ignore-exclude-lb`
    return { severity: isAll ? 'error' : 'notice', object: { kind: 'Node', name: metadata.name }, what, remedy }
  })
}

export function sessionDown({ nodes }: DoctorFacts): Outcome {
  return nodes.flatMap(({ node, sessions }) =>
    sessions
      .filter(({ state }) => state !== 'Established')
      .map(({ peer, state, because }): Found => {
        const why = because === undefined ? '' : `: ${because}`
        const remedy = `invarctl peers --node ${node} -o wide says more; the router's log has the other half`
        const what = `${node} has no session with it (${state})${why}`
        return { severity: 'error', object: { kind: 'BGPPeer', name: peer }, what, remedy }
      }),
  )
}
