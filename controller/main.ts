/** Program 1: the controller. Reads flags, wires the parts together, runs until it is told to stop. */
import {
  clientMetrics,
  currentNamespace,
  type GuardedServerOptions,
  type KubeConfigSource,
  loadKubeConfig,
  serveMetrics,
} from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { startDaemon } from '../runtime/daemon.ts'
import type { Flags } from '../runtime/flags.ts'
import { close, healthRoute, serve } from '../runtime/http.ts'
import type { Lifecycle } from '../runtime/lifecycle.ts'
import type { Log } from '../runtime/log.ts'
import { Metrics } from '../runtime/metrics.ts'
import { systemRandom } from '../runtime/random.ts'
import { CONTROLLER_FLAGS } from './flags.ts'
import { Controller } from './program.ts'
import type { WebhookSettings } from './webhook/index.ts'

type ControllerFlags = Flags<typeof CONTROLLER_FLAGS>

async function run(flags: ControllerFlags, log: Log, lifecycle: Lifecycle): Promise<void> {
  const metrics = new Metrics()
  metrics.collectProcess()
  const observed = clientMetrics(metrics)
  const source: KubeConfigSource =
    flags.text('kubeconfig') === '' ? { kind: 'default' } : { kind: 'file', path: flags.text('kubeconfig') }
  const namespace = flags.text('namespace') || currentNamespace(loadKubeConfig(source)) || 'metallb-system'
  const controller = new Controller({
    ...{ source, namespace },
    userAgent: 'invar-controller',
    podName: flags.text('pod-name'),
    membershipSecret: flags.text('ml-secret-name'),
    request: {
      loadBalancerClass: flags.text('lb-class'),
      sharingStaysInNamespace: flags.on('sharing-stays-in-namespace'),
    },
    cleanupFinalizer: flags.on('cleanup-finalizer'),
    webhook: webhookSettings(flags, namespace),
    givesAddresses: flags.text('webhook-mode') !== 'onlywebhook',
    hasPage: flags.number('page-port') !== 0,
    clock: systemClock,
    random: systemRandom,
    ...{ log, metrics, clientMetrics: observed },
    observeRequest: observed.observeRequest,
    observeEnding: (_, ending) => {
      if (ending.kind === 'failed') observed.countUpdateError()
    },
    onFault: (error) => {
      throw error
    },
  })
  const { live, ready, webhookReady } = controller
  const checks = { configuration: ready, ...(webhookReady && { webhook: webhookReady }) }
  const routes = { '/healthz': healthRoute({ loops: live }), '/readyz': healthRoute(checks) }
  const health = await serve(routes, { port: flags.number('health-probe-port') })
  lifecycle.add('health pages', () => close(health))
  if (flags.number('port') !== 0) {
    const page = await serveMetrics({ ...guarded(flags, 'port'), metrics, log, client: controller.client })
    lifecycle.add('metrics', () => page.stop())
  }
  lifecycle.add('controller', () => controller.stop())
  await controller.start()
  const page = await controller.page?.serve({ ...guarded(flags, 'page-port'), log, client: controller.client })
  if (page !== undefined) lifecycle.add('web page', () => page.stop())
  log.info('started', 'everything is read and compiled')
}

/** Metrics and web page show the same certificate, or one each that they issue to themselves. */
function guarded(flags: ControllerFlags, port: 'port' | 'page-port'): Omit<GuardedServerOptions, 'log' | 'client'> {
  return {
    ...{ clock: systemClock, dnsName: 'controller', port: flags.number(port) },
    issuer: new URL('../runtime/self-signed-thread.ts', import.meta.url),
    certificateFolder: flags.text('metrics-cert-dir'),
    minimumTls: minimumTls(flags),
    isPlain: flags.on('plain-metrics'),
  }
}

function minimumTls(flags: ControllerFlags): 'TLSv1.2' | 'TLSv1.3' {
  return flags.text('tls-min-version') === 'VersionTLS12' ? 'TLSv1.2' : 'TLSv1.3'
}

function webhookSettings(flags: ControllerFlags, namespace: string): WebhookSettings | undefined {
  if (flags.text('webhook-mode') === 'disabled') return undefined
  return {
    port: flags.number('webhook-port'),
    minimumTls: minimumTls(flags),
    dnsName: `${flags.text('cert-service-name')}.${namespace}.svc`,
    certificates: flags.on('disable-cert-rotation')
      ? { kind: 'directory', path: flags.text('cert-dir') }
      : { kind: 'own', secretName: flags.text('webhook-secret') },
  }
}

if (import.meta.main) {
  await startDaemon(
    {
      name: 'controller',
      about: 'The controller of Invar gives addresses to Services of type LoadBalancer.',
      flags: CONTROLLER_FLAGS,
      run,
    },
    process.argv.slice(2),
  )
}
