/** A controller inside a test's own process, against a control plane of the test's. */
import { DEFAULT_REQUEST_OPTIONS } from '../core/allocate/index.ts'
import { clientMetrics } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { silentLog } from '../runtime/log.ts'
import { Metrics } from '../runtime/metrics.ts'
import { systemRandom } from '../runtime/random.ts'
import { Controller, type ControllerOptions } from './program.ts'

/** Not started. @param membershipSecret Secret to create for speakers; '' = none */
export function controllerFor(
  kubeconfig: string,
  namespace: string,
  membershipSecret: string,
  further: Partial<ControllerOptions> = {},
): Controller {
  const metrics = new Metrics()
  return new Controller({
    source: { kind: 'file', path: kubeconfig },
    userAgent: 'invar-controller/test',
    podName: '',
    request: DEFAULT_REQUEST_OPTIONS,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    ...{ namespace, membershipSecret, metrics, clientMetrics: clientMetrics(metrics) },
    onFault: (error) => {
      throw error
    },
    ...further,
  })
}
