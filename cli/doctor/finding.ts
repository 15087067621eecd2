/** What `invarctl doctor` may find. The ids are stable: scripts and docs/cli.md name them. */

/** `error`: addresses are, or will be, dark. `warning`: they may be. `notice`: worth knowing; not for the exit code. */
export type Severity = 'error' | 'warning' | 'notice'

export interface Finding {
  readonly id: CheckId
  readonly severity: Severity
  readonly object: { readonly kind: string; readonly namespace?: string; readonly name: string }
  /** One sentence: what is wrong. */
  readonly what: string
  /** What to do about it. */
  readonly remedy: string
}

/** A finding as a check gives it, which need not say its own id. */
export type Found = Omit<Finding, 'id'>

/** What the API server answered, or why it did not. */
export type Known<T> =
  | { readonly kind: 'known'; readonly value: T }
  | { readonly kind: 'unknown'; readonly because: string }

/** `unknown`: the check could not be made. */
export type Outcome = readonly Found[] | { readonly unknown: string }

/** Every check with what it looks at, in the order in which they are made. */
export const CHECKS = {
  'crd-missing': 'a custom resource definition is not there',
  'crd-outdated': 'a custom resource definition lacks fields, as those of an older MetalLB do',
  'namespace-restricted': 'pod security of the namespace of Invar keeps speakers out',
  'right-missing': 'a service account lacks a right that its program needs',
  'controller-down': 'no controller is ready, or none leads',
  'speaker-down': 'a speaker is not ready, or does not answer',
  'speaker-missing': 'a node runs no speaker',
  'version-skew': 'controller, speakers and this program are of different versions',
  'membership-secret': 'the key by which speakers know each other is missing',
  'members-unheard': 'a speaker does not hear another one',
  'port-taken': 'another program holds a port of a speaker',
  'socket-fault': 'a speaker could not open or use a socket',
  'rival-load-balancer': 'another load balancer runs, and may fight over Services',
  'status-written-by-others': 'another program writes addresses into Services of Invar',
  'webhook-untrusted': 'the admission webhook has no certificate authority yet',
  'webhook-unreachable': 'the Service of the admission webhook has no endpoint',
  'strict-arp': 'kube-proxy works with IPVS, and every node answers ARP for every address',
  'rp-filter': 'a strict reverse path filter on a node with several links',
  'link-down': 'a node has no link that addresses can be announced on, or one without carrier',
  'uplink-lost': 'a node does not reach its gateway',
  'node-excluded': 'a label keeps load balancer addresses off a node',
  'session-down': 'a BGP session is not established',
  'configuration-problem': 'an object of the configuration is not in force, or waits',
  'pool-overlaps': 'a pool contains addresses of nodes, Pods or Services of the cluster',
  'pool-not-announced': 'a pool gives out addresses, and no advertisement reaches it',
  'address-conflict': 'another station uses an address of a Service',
} as const satisfies Readonly<Record<string, string>>

export type CheckId = keyof typeof CHECKS
export const CHECK_IDS = Object.keys(CHECKS) as readonly CheckId[]
