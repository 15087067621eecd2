import type { FlagTable } from '../runtime/flags.ts'
import { LEVELS } from '../runtime/log.ts'

/** The controller's flags: MetalLB's names, so that old manifests start it unchanged. */
export const CONTROLLER_FLAGS = {
  port: { about: 'TCP port of the metrics; 0 = no metrics', kind: 'number', default: '9120' },
  'health-probe-port': { about: 'TCP port of /healthz and /readyz', kind: 'number', default: '17472' },
  namespace: {
    about: 'namespace of the metallb.io resources; empty = that of the service account',
    kind: 'text',
    env: 'METALLB_NAMESPACE',
    default: '',
  },
  'pod-name': { about: 'name of the own Pod', kind: 'text', env: 'METALLB_POD_NAME', default: '' },
  'ml-secret-name': {
    about: 'create this Secret with the key that speakers authenticate each other by; empty = do not',
    kind: 'text',
    env: 'METALLB_ML_SECRET_NAME',
    default: '',
  },
  'lb-class': { about: 'load balancer class to serve; empty = Services without a class', kind: 'text', default: '' },
  'log-level': { about: 'least severe level that is logged', kind: 'text', default: 'info', oneOf: LEVELS },
  kubeconfig: {
    about: 'kubeconfig file, for a controller outside the cluster',
    kind: 'text',
    env: 'KUBECONFIG',
    default: '',
  },
  deployment: {
    about: 'name of the own Deployment',
    kind: 'text',
    env: 'METALLB_DEPLOYMENT',
    default: '',
    noEffect: 'the membership Secret has no owner, so that it outlives an upgrade',
  },
} as const satisfies FlagTable
