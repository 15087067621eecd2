import type { FlagTable } from '../runtime/flags.ts'
import { LEVELS } from '../runtime/log.ts'

const NO_FRR = 'Invar speaks BGP in process, there is no FRR'

const TLS_DEFAULTS = 'the defaults of the runtime hold'

/** The speaker's flags: MetalLB's names, so that old manifests start it unchanged. */
export const SPEAKER_FLAGS = {
  'node-name': { about: 'name of the node', kind: 'text', env: 'METALLB_NODE_NAME', default: '' },
  namespace: {
    about: 'namespace of the metallb.io resources; empty = that of the service account',
    kind: 'text',
    env: 'METALLB_NAMESPACE',
    default: '',
  },
  'pod-name': {
    about: 'name of the own Pod, owner of the status objects',
    kind: 'text',
    env: 'METALLB_POD_NAME',
    default: '',
  },
  port: { about: 'TCP port of the metrics; 0 = no metrics', kind: 'number', default: '9120' },
  'health-probe-port': { about: 'TCP port of /healthz and /readyz on 127.0.0.1', kind: 'number', default: '17472' },
  'log-level': { about: 'least severe level that is logged', kind: 'text', default: 'info', oneOf: LEVELS },
  'lb-class': { about: 'load balancer class to serve; empty = Services without a class', kind: 'text', default: '' },
  'ignore-exclude-lb': {
    about: 'announce also from nodes labelled node.kubernetes.io/exclude-from-external-load-balancers',
    kind: 'switch',
    default: 'false',
  },
  'ml-secret-name': {
    about:
      'Secret with the key that speakers authenticate each other by; empty = no membership, every node counts as alive',
    kind: 'text',
    env: 'METALLB_ML_SECRET_NAME',
    default: '',
  },
  'ml-bindport': {
    about: 'UDP port of heartbeats between speakers',
    kind: 'number',
    env: 'METALLB_ML_BIND_PORT',
    default: '7946',
  },
  'gratuitous-arp-interval': {
    about: 'seconds between repeated announcements of an address that did not move; 0 = off',
    kind: 'number',
    default: '0',
  },
  'sticky-addresses': {
    about:
      'a node that answers for an address keeps it when equal nodes come or return; preferred nodes still take it. Without membership the order is MetalLB’s',
    kind: 'switch',
    default: 'true',
  },
  'ignore-cordon': {
    about: 'leave addresses on nodes that are cordoned or tainted to be emptied, instead of handing them over',
    kind: 'switch',
    default: 'false',
  },
  'heed-node-ready': {
    about: 'hand over the addresses of nodes that are not Ready, instead of watching heartbeats alone',
    kind: 'switch',
    default: 'false',
  },
  'bgp-listen-port': {
    about: 'TCP port for BGP peers that connect to us; open only while there is such a peer',
    kind: 'number',
    default: '179',
  },
  'probe-new-addresses': {
    about: 'ask the network whether a new address is in use before it is announced for the first time',
    kind: 'switch',
    default: 'true',
  },
  'gateway-probe': {
    about:
      'give addresses away where the uplink is lost although the link is up: "default-gateway", or IP addresses to ping separated by commas; empty = off',
    kind: 'text',
    default: '',
  },
  'gateway-probe-interval-ms': { about: 'between two pings of a gateway', kind: 'number', default: '1000' },
  'gateway-probe-misses': {
    about: 'pings in a row without an answer after which the uplink is taken for lost',
    kind: 'number',
    default: '3',
  },
  'state-file': {
    about:
      'where the last known state is kept, with the keys in it and for its owner alone: a speaker that starts while the API server is away goes on from there; empty = nowhere',
    kind: 'text',
    default: '',
  },
  'state-max-age-hours': { about: 'last known state that is older is not used', kind: 'number', default: '24' },
  'local-socket': {
    about: 'Unix socket by which invarctl asks this speaker, for its user and root alone; empty = none',
    kind: 'text',
    default: '',
  },
  'exclude-interfaces-file': {
    about:
      'YAML file with announcedInterfacesToExclude, regular expressions of interface names; re-read when it changes',
    kind: 'text',
    default: '/etc/metallb/excludel2.yaml',
  },
  kubeconfig: {
    about: 'kubeconfig file, for a speaker outside the cluster',
    kind: 'text',
    env: 'KUBECONFIG',
    default: '',
  },
  'ml-bindaddr': {
    about: 'membership address',
    kind: 'text',
    env: 'METALLB_ML_BIND_ADDR',
    default: '',
    noEffect: 'heartbeats go out on every interface that addresses are announced on',
  },
  'ml-labels': {
    about: 'Pod selector of speakers',
    kind: 'text',
    env: 'METALLB_ML_LABELS',
    default: '',
    noEffect: 'speakers are found by the addresses of the nodes',
  },
  'ml-wan-config': {
    about: 'slower timers',
    kind: 'switch',
    default: 'false',
    noEffect: 'speakers on one segment share its timing',
  },
  'bgp-debounce-timeout': {
    about: 'FRR only',
    kind: 'text',
    env: 'METALLB_BGP_DEBOUNCE_TIMEOUT',
    default: '',
    noEffect: NO_FRR,
  },
  host: { about: 'node address', kind: 'text', env: 'METALLB_HOST', default: '', noEffect: 'it is read from the Node' },
  'frrk8s-namespace': { about: 'FRR only', kind: 'text', env: 'FRRK8S_NAMESPACE', default: '', noEffect: NO_FRR },
  'frrk8s-secret-passthrough': { about: 'FRR only', kind: 'switch', default: 'false', noEffect: NO_FRR },
  'metrics-cert-dir': {
    about: 'folder with tls.crt and tls.key for the metrics, read again when they change; empty = self-signed',
    kind: 'text',
    default: '',
  },
  'plain-metrics': {
    about: 'metrics by plain HTTP on 127.0.0.1, without authorization',
    kind: 'switch',
    default: 'false',
  },
  'tls-cipher-suites': { about: 'cipher suites', kind: 'text', default: '', noEffect: TLS_DEFAULTS },
  'tls-curve-preferences': { about: 'curves', kind: 'text', default: '', noEffect: TLS_DEFAULTS },
  'pprof-bind-address': { about: 'profiling endpoint', kind: 'text', default: '', noEffect: 'there is none' },
  'tls-min-version': {
    about: 'lowest TLS version of the metrics',
    kind: 'text',
    default: 'VersionTLS13',
    oneOf: ['VersionTLS12', 'VersionTLS13'],
  },
} as const satisfies FlagTable
