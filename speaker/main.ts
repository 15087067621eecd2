/** Program 2: the speaker. Reads flags, starts the wire thread, wires the parts together, runs until told to stop. */

import { METALLB_VIEW, type ViewOptions } from '../core/announce/index.ts'
import { parseAddress } from '../net/ip/index.ts'
import {
  clientMetrics,
  currentNamespace,
  type KubeConfigSource,
  loadKubeConfig,
  type MetricsPageOptions,
  serveMetrics,
} from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { startDaemon } from '../runtime/daemon.ts'
import type { Flags } from '../runtime/flags.ts'
import { type Check, close, healthRoute, serve } from '../runtime/http.ts'
import type { Lifecycle } from '../runtime/lifecycle.ts'
import type { Log } from '../runtime/log.ts'
import { Metrics } from '../runtime/metrics.ts'
import { systemRandom } from '../runtime/random.ts'
import { SPEAKER_FLAGS } from './flags.ts'
import { serveLocally } from './local-socket.ts'
import { METALLB_PORTS, type PortOfInterest, readNodeFacts } from './node-facts.ts'
import { Speaker, type SpeakerOptions } from './program.ts'
import { WireThread } from './thread.ts'
import type { GatewayProbe } from './wire/messages.ts'
import { WireStanding } from './wire-standing.ts'

type SpeakerFlags = Flags<typeof SPEAKER_FLAGS>

async function run(flags: SpeakerFlags, log: Log, lifecycle: Lifecycle): Promise<void> {
  const metrics = new Metrics()
  metrics.collectProcess()
  const onFault = (error: Error): void => {
    throw error
  }
  const wire = new WireThread(new URL('./wire/thread.ts', import.meta.url), systemClock, onFault)
  const standing = new WireStanding(() => systemClock.wall())
  wire.listen((message) => standing.take(message))
  const speaker = newSpeaker(flags, log, metrics, wire, onFault)
  const isAnswering: Check = () =>
    wire.responsive ? { ok: true } : { ok: false, because: 'the wire thread does not answer' }
  const live = { wire: isAnswering, loops: speaker.live }
  const routes = { '/healthz': healthRoute(live), '/readyz': healthRoute({ speaker: speaker.ready }) }
  const health = await serve(routes, { port: flags.number('health-probe-port'), host: '127.0.0.1' })
  lifecycle.add('health pages', () => close(health))
  if (flags.number('port') !== 0) {
    const page = await serveMetrics({ ...metricsPage(flags), metrics, log, client: speaker.client })
    lifecycle.add('metrics', () => page.stop())
  }
  if (flags.text('local-socket') !== '') {
    const server = await serveLocally({
      ...{ path: flags.text('local-socket'), node: flags.text('node-name') },
      ask: (ip, timeoutMs) => wire.ask(ip, timeoutMs),
      bgp: {
        peers: () => speaker.peers,
        readCounters: () => wire.readCounters(),
        readRoutes: (peer) => wire.readRoutes(peer),
      },
      about: {
        standing,
        ready: speaker.ready,
        readFacts: () => readNodeFacts(portsOf(flags)),
        peers: () => speaker.peers,
        readCounters: () => wire.readCounters(),
        readMetrics: () => metrics.text(),
      },
    })
    lifecycle.add('local socket', () => close(server))
  }
  lifecycle.add('speaker', () => speaker.stop())
  await speaker.start()
}

/** Those that this speaker may want, and by which a speaker of MetalLB on the same node is known. */
function portsOf(flags: SpeakerFlags): readonly PortOfInterest[] {
  const own = [
    { purpose: 'metrics', protocol: 'tcp', port: flags.number('port') },
    { purpose: 'health', protocol: 'tcp', port: flags.number('health-probe-port') },
    { purpose: 'heartbeats', protocol: 'udp', port: flags.number('ml-bindport') },
    { purpose: 'BGP', protocol: 'tcp', port: flags.number('bgp-listen-port') },
  ] as const
  return [...own, ...METALLB_PORTS].filter(({ port }) => port !== 0)
}

function metricsPage(flags: SpeakerFlags): Omit<MetricsPageOptions, 'metrics' | 'log' | 'client'> {
  return {
    ...{ clock: systemClock, dnsName: 'speaker', port: flags.number('port') },
    issuer: new URL('../runtime/self-signed-thread.ts', import.meta.url),
    certificateFolder: flags.text('metrics-cert-dir'),
    minimumTls: flags.text('tls-min-version') === 'VersionTLS12' ? 'TLSv1.2' : 'TLSv1.3',
    isPlain: flags.on('plain-metrics'),
  }
}

function newSpeaker(
  flags: SpeakerFlags,
  log: Log,
  metrics: Metrics,
  wire: WireThread,
  onFault: (error: Error) => void,
): Speaker {
  const observed = clientMetrics(metrics)
  const source: KubeConfigSource =
    flags.text('kubeconfig') === '' ? { kind: 'default' } : { kind: 'file', path: flags.text('kubeconfig') }
  return new Speaker({
    source,
    userAgent: 'invar-speaker',
    node: flags.text('node-name'),
    namespace: flags.text('namespace') || currentNamespace(loadKubeConfig(source)) || 'metallb-system',
    podName: flags.text('pod-name'),
    loadBalancerClass: flags.text('lb-class'),
    view: viewOptions(flags),
    membershipSecret: flags.text('ml-secret-name'),
    membershipPort: flags.number('ml-bindport'),
    excludeInterfacesFile: flags.text('exclude-interfaces-file'),
    announcing: {
      refreshIntervalMs: flags.number('gratuitous-arp-interval') * 1_000,
      probeNewAddresses: flags.on('probe-new-addresses'),
      gatewayProbe: gatewayProbe(flags),
    },
    bgp: { listenPort: flags.number('bgp-listen-port'), ignoreCordon: flags.on('ignore-cordon') },
    stateFile: stateFile(flags),
    clock: systemClock,
    random: systemRandom,
    ...{ log, metrics, wire, onFault, clientMetrics: observed },
    observeRequest: observed.observeRequest,
    observeEnding: (_, ending) => {
      if (ending.kind === 'failed') observed.countUpdateError()
    },
  })
}

function whatIsWrong(flags: SpeakerFlags): string | undefined {
  if (flags.text('node-name') === '') return '--node-name is required: the name of this node'
  const targets = gatewayProbe(flags)?.targets
  const wrong =
    targets === 'default-gateway' ? undefined : targets?.find((target) => parseAddress(target) === undefined)
  if (wrong === undefined) return undefined
  return `--gateway-probe is "${wrong}" but must be default-gateway, or IP addresses separated by commas`
}

/** Where nobody watches who is alive, speakers of MetalLB may announce beside ours: they must agree. */
function viewOptions(flags: SpeakerFlags): ViewOptions {
  const ignoreExcludeLabel = flags.on('ignore-exclude-lb')
  if (flags.text('ml-secret-name') === '') return { ...METALLB_VIEW, ignoreExcludeLabel }
  return {
    ignoreExcludeLabel,
    ignoreCordon: flags.on('ignore-cordon'),
    heedsReady: flags.on('heed-node-ready'),
    isSticky: flags.on('sticky-addresses'),
  }
}

function stateFile(flags: SpeakerFlags): SpeakerOptions['stateFile'] {
  const path = flags.text('state-file')
  return path === '' ? undefined : { path, maxAgeMs: flags.number('state-max-age-hours') * 3_600_000 }
}

function gatewayProbe(flags: SpeakerFlags): GatewayProbe | undefined {
  const text = flags.text('gateway-probe')
  if (text === '') return undefined
  const targets = text === 'default-gateway' ? text : text.split(',').map((target) => target.trim())
  const [intervalMs, missedLimit] = [flags.number('gateway-probe-interval-ms'), flags.number('gateway-probe-misses')]
  return { targets, intervalMs, missedLimit }
}

if (import.meta.main) {
  await startDaemon(
    {
      name: 'speaker',
      about: 'The speaker of Invar answers for the addresses that its node owns.',
      flags: SPEAKER_FLAGS,
      judge: whatIsWrong,
      run,
    },
    process.argv.slice(2),
  )
}
