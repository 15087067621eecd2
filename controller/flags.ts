import type { FlagTable } from '../runtime/flags.ts'
import { LEVELS } from '../runtime/log.ts'

const TLS_DEFAULTS = 'the defaults of the runtime hold'

/** The controller's flags: MetalLB's names, so that old manifests start it unchanged. */
export const CONTROLLER_FLAGS = {
  port: { about: 'TCP port of the metrics; 0 = no metrics', kind: 'number', default: '9120' },
  'page-port': {
    about: 'TCP port of the web page, over HTTPS, for whom the API server lets get /page; 0 = no page',
    kind: 'number',
    default: '0',
  },
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
  'cleanup-finalizer': {
    about: 'keep a deleted Service until no speaker announces it any more, half a minute at most',
    kind: 'switch',
    default: 'false',
  },
  'sharing-stays-in-namespace': {
    about: 'a sharing key means nothing outside of its namespace: Services of two namespaces never share an address',
    kind: 'switch',
    default: 'false',
  },
  'log-level': { about: 'least severe level that is logged', kind: 'text', default: 'info', oneOf: LEVELS },
  kubeconfig: {
    about: 'kubeconfig file, for a controller outside the cluster',
    kind: 'text',
    env: 'KUBECONFIG',
    default: '',
  },
  'webhook-mode': {
    about: 'enabled; disabled: addresses only; onlywebhook: the admission webhook only',
    kind: 'text',
    default: 'enabled',
    oneOf: ['enabled', 'disabled', 'onlywebhook'],
  },
  'webhook-port': { about: 'TCP port of the admission webhook', kind: 'number', default: '9443' },
  'webhook-secret': {
    about: 'Secret with the certificates of the webhook, kept in order by the leader',
    kind: 'text',
    default: 'metallb-webhook-cert',
  },
  'cert-service-name': {
    about: 'Service by which the API server calls the webhook; its DNS name is in the certificate',
    kind: 'text',
    default: 'metallb-webhook-service',
  },
  'disable-cert-rotation': {
    about: 'leave Secret and caBundle alone, and serve with tls.crt and tls.key from --cert-dir',
    kind: 'switch',
    default: 'false',
  },
  'cert-dir': {
    about: 'folder with the certificate, read again when it changes; only with --disable-cert-rotation',
    kind: 'text',
    default: '/tmp/k8s-webhook-server/serving-certs',
  },
  'tls-min-version': {
    about: 'lowest TLS version of the webhook, the metrics and the web page',
    kind: 'text',
    default: 'VersionTLS13',
    oneOf: ['VersionTLS12', 'VersionTLS13'],
  },
  'webhook-http2': {
    about: 'HTTP/2 on the webhook port',
    kind: 'switch',
    default: 'false',
    noEffect: 'API servers are answered over HTTP/1.1, which all of them speak',
  },
  deployment: {
    about: 'name of the own Deployment',
    kind: 'text',
    env: 'METALLB_DEPLOYMENT',
    default: '',
    noEffect: 'the membership Secret has no owner, so that it outlives an upgrade',
  },
  'metrics-cert-dir': {
    about:
      'folder with tls.crt and tls.key for the metrics and the web page, read again when they change; empty = self-signed',
    kind: 'text',
    default: '',
  },
  'plain-metrics': {
    about: 'metrics and web page by plain HTTP on 127.0.0.1, without authorization',
    kind: 'switch',
    default: 'false',
  },
  'tls-cipher-suites': { about: 'cipher suites', kind: 'text', default: '', noEffect: TLS_DEFAULTS },
  'tls-curve-preferences': { about: 'curves', kind: 'text', default: '', noEffect: TLS_DEFAULTS },
  'pprof-bind-address': { about: 'profiling endpoint', kind: 'text', default: '', noEffect: 'there is none' },
} as const satisfies FlagTable
