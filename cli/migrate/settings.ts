/** MetalLB's flags and variables: what becomes of each in Invar. Pure. */
import type { Workload } from '../workloads.ts'
import { type Component, containersOf } from './found.ts'

export type Setting =
  /** Invar's chart has a value for it; so does an old values file. */
  | { readonly kind: 'carried'; readonly flag: string; readonly value: string }
  | { readonly kind: 'without-effect'; readonly flag: string; readonly because: string }
  | { readonly kind: 'unknown'; readonly flag: string }

const DEFAULTS_OF_RUNTIME = "the runtime's defaults hold"
const NO_FRR = 'BGP is spoken in process, there is no FRR'
const IN_MANIFESTS = Symbol('set by the manifests of either')

/** A text: the chart's value; a list: why it has no effect. */
type Fate = string | readonly [because: string] | typeof IN_MANIFESTS

const FATES: Readonly<Record<string, Fate>> = {
  port: 'prometheus.metricsPort',
  'lb-class': 'loadBalancerClass',
  'log-level': '{component}.logLevel',
  'health-probe-port': '{component}.livenessProbe.port and {component}.readinessProbe.port',
  'webhook-mode': 'controller.webhookMode',
  'ignore-exclude-lb': 'speaker.ignoreExcludeLB',
  'ml-bindport': 'speaker.memberlist.mlBindPort',
  'tls-min-version': 'tls.minVersion',
  'metrics-cert-dir': 'tls.{component}MetricsTLSSecret',
  'disable-cert-rotation': '{component}.extraArgs',
  'cert-dir': '{component}.extraArgs',
  'tls-cipher-suites': [DEFAULTS_OF_RUNTIME],
  'tls-curve-preferences': [DEFAULTS_OF_RUNTIME],
  'webhook-http2': ['API servers are answered over HTTP/1.1, which all of them speak'],
  'ml-wan-config': ['speakers on one segment share its timing'],
  'ml-bindaddr': ['heartbeats go out on every interface that addresses are announced on'],
  'bgp-debounce-timeout': [NO_FRR],
  'frrk8s-namespace': [NO_FRR],
  'frrk8s-secret-passthrough': [NO_FRR],
  'pprof-bind-address': ['there is no profiling endpoint'],
  host: ['the address is read from the Node'],
  ...Object.fromEntries(
    ['namespace', 'pod-name', 'node-name', 'deployment', 'ml-labels', 'ml-secret-name', 'ml-secret-key-path']
      .concat(['webhook-secret', 'cert-service-name'])
      .map((flag) => [flag, IN_MANIFESTS]),
  ),
}

/** As MetalLB's manifests and chart set them: not worth a word. */
const USUAL = new Set(['port=7472', 'port=9120', 'log-level=info', 'webhook-mode=enabled', 'health-probe-port=17472'])

/** What the command lines of these workloads ask for, beyond what MetalLB's own manifests do. */
export function settingsOf(workloads: readonly Workload[], component: Component): readonly Setting[] {
  const containers = workloads.flatMap(containersOf).filter(({ name }) => name.includes(component))
  const flags = containers.flatMap(({ args = [] }) => args).map((arg) => arg.replace(/^--?/, ''))
  return flags.filter((flag) => !USUAL.has(flag)).flatMap((flag) => settingOf(flag, component))
}

function settingOf(text: string, component: Component): readonly Setting[] {
  const [name = '', value = 'true'] = text.split(/=(.*)/s)
  const fate = FATES[name]
  const flag = `--${text}`
  if (fate === IN_MANIFESTS) return []
  if (fate === undefined) return [{ kind: 'unknown', flag }]
  if (typeof fate !== 'string') return [{ kind: 'without-effect', flag, because: fate[0] }]
  return [{ kind: 'carried', flag, value: `${fate.replaceAll('{component}', component)}=${value}` }]
}

/** The class that MetalLB serves, '' = Services without one. */
export function loadBalancerClassOf(workloads: readonly Workload[]): string {
  const args = workloads.flatMap(containersOf).flatMap(({ args: list = [] }) => list)
  return args.map((arg) => /^--?lb-class=(.*)$/.exec(arg)?.[1]).find((value) => value !== undefined) ?? ''
}
