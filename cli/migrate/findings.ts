/** What would be different with Invar, and what is in the way. Pure. */
import { compile } from '../../core/config/index.ts'
import type { ClusterState } from '../cluster-state.ts'
import { type Plan, plan } from '../plan.ts'
import { counted } from '../report.ts'
import { type Found, gitOpsToolOf, isWrittenByMetalLb, modeOf, releaseOf, versionOf } from './found.ts'
import { type Setting, settingsOf } from './settings.ts'

/** What each code means; the codes are an interface (`-o json`): they may be added, but not renamed. */
export const FINDINGS = {
  'address-not-kept': 'A Service would lose its address or get another.',
  'configuration-before-0.13': 'The configuration is a ConfigMap, which MetalLB itself reads no more since 0.13.',
  'address-pools': 'There are objects of the kind AddressPool, which MetalLB itself serves no more since 0.14.',
  'definitions-missing': 'The resources of metallb.io are not there.',
  'gitops-owner': 'A tool would put back what is taken away.',
  'helm-uninstall': 'helm uninstall would delete every pool and peer.',
  'bgp-mode': 'BGP is spoken in process.',
  'frr-configuration': 'An FRRConfiguration of the user is not read.',
  'bgp-extras': 'FRR configuration in the ConfigMap bgpextras is not applied.',
  'flag-carried': 'A flag that Invar has too.',
  'flag-without-effect': 'A flag that Invar accepts and ignores.',
  'flag-unknown': 'A flag that is in no version of MetalLB that Invar knows.',
  'object-not-in-force': 'An object has a mistake and would be left out.',
  'peers-stored-as-v1beta1': 'BGPPeers may be stored in the old version.',
} as const
export type FindingCode = keyof typeof FINDINGS

export interface Finding {
  readonly code: FindingCode
  /** `stops`: nothing is done before it is mended. `changes`: it will be different. `notice`: worth knowing. */
  readonly severity: 'stops' | 'changes' | 'notice'
  readonly message: string
}

/** @param state undefined = the resources of metallb.io are not there */
export function findingsOf(found: Found, state: ClusterState | undefined): readonly Finding[] {
  return [
    ...formatFindings(found, state),
    ...(state === undefined ? [] : addressFindings(plan(state, state))),
    ...ownerFindings(found),
    ...bgpFindings(found),
    ...[...settingsOf(found.controllers, 'controller'), ...settingsOf(found.speakers, 'speaker')].map(settingFinding),
    ...(state === undefined ? [] : objectFindings(state)),
  ]
}

function formatFindings({ configMaps, definitions }: Found, state: ClusterState | undefined): readonly Finding[] {
  const findings: Finding[] = []
  const isThere = (name: string): boolean => definitions.some(({ metadata }) => metadata.name === name)
  const hasConfigMap = configMaps.some(({ metadata, data }) => metadata.name === 'config' && data?.config !== undefined)
  if (state === undefined) {
    const message =
      'the CustomResourceDefinitions of metallb.io are missing: is MetalLB older than 0.13? Upgrade MetalLB first'
    findings.push({ code: 'definitions-missing', severity: 'stops', message })
  } else if (hasConfigMap && state.resources.pools.length === 0) {
    const message =
      'ConfigMap config holds the configuration, and there is no IPAddressPool: upgrade MetalLB to 0.13 or later first'
    findings.push({ code: 'configuration-before-0.13', severity: 'stops', message })
  }
  if (isThere('addresspools.metallb.io')) {
    const message =
      'the kind AddressPool is not read: see with kubectl get addresspools -A whether one is left, and write it as an IPAddressPool'
    findings.push({ code: 'address-pools', severity: 'notice', message })
  }
  const peers = definitions.find(({ metadata }) => metadata.name === 'bgppeers.metallb.io')
  if (peers?.status?.storedVersions?.includes('v1beta1')) {
    const message =
      'BGPPeers may be stored as v1beta1: they are read as they are, without conversion. Peers that MetalLB has stored with holdTime 0s and keepaliveTime 0s keep these'
    findings.push({ code: 'peers-stored-as-v1beta1', severity: 'notice', message })
  }
  return findings
}

function addressFindings({ services }: Plan): readonly Finding[] {
  return services
    .filter(({ effect }) => effect === 'loses' || effect === 'moves')
    .map(({ service, effect, before, after, because }) => ({
      code: 'address-not-kept',
      severity: 'stops',
      message: `Service ${service} ${effect === 'loses' ? 'would lose' : 'would move from'} ${before.join(' and ')}${
        effect === 'moves' ? ` to ${after.join(' and ')}` : ''
      }: ${because ?? 'its pool does not give it'}`,
    }))
}

function ownerFindings(found: Found): readonly Finding[] {
  const findings: Finding[] = []
  const tool = gitOpsToolOf(found)
  if (tool !== undefined) {
    const message = `${tool} manages MetalLB here and would put back what is taken away: pause it, and have it apply Invar's manifests in place of MetalLB's`
    findings.push({ code: 'gitops-owner', severity: 'changes', message })
  }
  if (found.releaseRecords.length > 0) {
    const release = releaseOf(found)
    const message = `helm uninstall ${release} would delete the CustomResourceDefinitions, and with them every pool and peer: upgrade the release to Invar's chart instead, as shown below`
    findings.push({ code: 'helm-uninstall', severity: 'notice', message })
  }
  return findings
}

function bgpFindings(found: Found): readonly Finding[] {
  const findings: Finding[] = []
  const mode = modeOf(found)
  if (mode !== 'native') {
    const message = `BGP mode is ${mode}: Invar speaks BGP and BFD in its own process. Sessions are opened anew once; where a peer names no timers, hold time is 90 s (FRR: 180 s)`
    findings.push({ code: 'bgp-mode', severity: 'changes', message })
  }
  for (const { metadata } of found.frrConfigurations.filter((one) => !isWrittenByMetalLb(one))) {
    const message = `FRRConfiguration ${metadata.namespace}/${metadata.name} is not read by Invar: FRR stays for it, and needs other neighbors than Invar's, or another address; or write it as a BGPPeer and BGPAdvertisement`
    findings.push({ code: 'frr-configuration', severity: 'changes', message })
  }
  if (found.configMaps.some(({ metadata }) => metadata.name === 'bgpextras')) {
    const message = 'ConfigMap bgpextras is FRR configuration: Invar does not apply it'
    findings.push({ code: 'bgp-extras', severity: 'changes', message })
  }
  return findings
}

function settingFinding(setting: Setting): Finding {
  const { kind, flag } = setting
  switch (kind) {
    case 'carried': {
      const message = `${flag}: Invar's chart has ${setting.value}, as MetalLB's has; with plain manifests, set the flag yourself`
      return { code: 'flag-carried', severity: 'notice', message }
    }
    case 'without-effect':
      return { code: 'flag-without-effect', severity: 'changes', message: `${flag} has no effect: ${setting.because}` }
    default:
      return { code: 'flag-unknown', severity: 'changes', message: `${flag} is not known to Invar: leave it out` }
  }
}

function objectFindings({ resources }: ClusterState): readonly Finding[] {
  return compile(resources)
    .problems.filter(({ severity }) => severity !== 'notice')
    .map(({ message }) => ({ code: 'object-not-in-force', severity: 'changes', message: `left out: ${message}` }))
}

/** What is there, in one line. */
export function summaryOf(found: Found, state: ClusterState | undefined): string {
  const version = versionOf(found) ?? 'of a version that its image does not tell'
  const release = releaseOf(found)
  const by = release === undefined ? 'plain manifests' : `helm release ${release}`
  const services = state?.services.filter(({ status }) => (status?.loadBalancer?.ingress ?? []).length > 0) ?? []
  const { pools = [], peers = [] } = state?.resources ?? {}
  const counts = [counted(pools.length, 'pool'), counted(peers.length, 'BGP peer'), counted(services.length, 'Service')]
  return `MetalLB ${version} in namespace ${found.namespace}, by ${by}, BGP mode ${modeOf(found)}: ${counts.join(', ')}`
}
