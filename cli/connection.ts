/** The cluster that a command is about: kubeconfig, context, namespaces. */
import { ApiError, Client, type KubeConfigSource, loadKubeConfig } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { sentenceOf } from '../runtime/log.ts'
import { VERSION } from '../runtime/version.ts'
import { CannotRun, cannotAsk } from './cannot-run.ts'

/** The flags that all commands on a cluster have. */
export interface ClusterFlags {
  readonly kubeconfig?: string
  readonly context?: string
  /** Namespace of Services that are named without one. */
  readonly namespace?: string
  /** Namespace of the metallb.io resources. */
  readonly installNamespace?: string
  /** `--lb-class` of the controller; default '' = Services without a class. */
  readonly lbClass?: string
}

export interface Connection {
  readonly client: Client
  /** URL, for messages. */
  readonly server: string
  /** `--namespace`, or that of the context, or `default`. */
  readonly namespace: string
  readonly flags: ClusterFlags
}

/** For one page of a list; a cluster that takes longer is not to be worked with by hand either. */
const REQUEST_TIMEOUT_MS = 15_000

/**
 * Reads the kubeconfig; the API server is not asked yet.
 * @throws CannotRun
 */
export function connect(flags: ClusterFlags): Connection {
  const { kubeconfig, context } = flags
  const source: KubeConfigSource =
    kubeconfig === undefined ? { kind: 'default', context } : { kind: 'file', path: kubeconfig, context }
  const config = loaded(source)
  const cluster = config.getCurrentCluster()
  if (cluster === null) {
    throw new CannotRun('the kubeconfig names no cluster', 'choose one with --context, or set current-context')
  }
  // What the library falls back to when it has found nothing.
  if (config.getCurrentContext() === 'loaded-context') {
    throw new CannotRun(
      'there is no kubeconfig',
      'name one with --kubeconfig or $KUBECONFIG, or put it in ~/.kube/config',
    )
  }
  const client = new Client({
    source,
    clock: systemClock,
    userAgent: `invarctl/${VERSION}`,
    maxConnections: 8,
    timeoutMs: REQUEST_TIMEOUT_MS,
  })
  const own = config.getContextObject(config.getCurrentContext())?.namespace
  return { client, server: cluster.server, namespace: flags.namespace || own || 'default', flags }
}

function loaded(source: KubeConfigSource) {
  try {
    return loadKubeConfig(source)
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    const obstacle = code === 'ENOENT' ? `there is no kubeconfig ${path}` : sentenceOf(error).replaceAll(/\s+/g, ' ')
    const remedy = 'check --kubeconfig, $KUBECONFIG and --context (kubectl config get-contexts lists them)'
    throw new CannotRun(obstacle, remedy, error)
  }
}

/** Runs what asks the API server; whatever keeps it from answering is told with its remedy. */
export async function asking<T>({ server }: Connection, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw error instanceof ApiError ? cannotAsk(server, error) : error
  }
}
