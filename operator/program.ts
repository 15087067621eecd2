/**
 * The frame of a program on the API server: what it follows, what it works on, in which order all of that starts and
 * stops. It is the Operator of @dot-i/k8s-operator in life cycle and finalizer calls, with our informer in place of its
 * watches (which end the process on an error) and our client in place of its requests (which know no limit of time).
 */
import operatorPackage, { type ResourceEvent, type ResourceEventType, type ResourceMeta } from '@dot-i/k8s-operator'
import type { CoreV1Api } from '@kubernetes/client-node'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import { ApiError } from './api-error.ts'
import { Client, type ObservedRequest } from './client.ts'
import { type KubeConfigSource, loadKubeConfig } from './credentials.ts'
import { type Change, Informer, type InformerOptions } from './informer.ts'
import type { Pending } from './pending.ts'
import { Reconciler, type ReconcilerOptions } from './reconcile.ts'
import { collectionPath, type KubernetesObject, type ObjectName, type Resource } from './resource.ts'
import type { Ending } from './resume.ts'

const { default: Operator } = operatorPackage

export interface ProgramOptions {
  readonly source: KubeConfigSource
  readonly userAgent: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly observeRequest?: (request: ObservedRequest) => void
  /** Each end of a list or watch. */
  readonly observeEnding?: (resource: Resource, ending: Ending) => void
}

type Settings = 'client' | 'resource' | 'clock' | 'random'

/**
 * Subclasses say in `init` what they follow and what they work on. `start` resolves when every informer has synced and
 * the reconcilers run; `stop` when nothing does any more.
 */
export abstract class InvarOperator extends Operator {
  readonly client: Client
  readonly #options: ProgramOptions
  readonly #informers: Pick<
    Informer<KubernetesObject>,
    'resource' | 'start' | 'stop' | 'whenSynced' | 'isSynced' | 'lastContactAt' | 'lastError' | 'pending'
  >[] = []
  readonly #reconcilers: Reconciler[] = []
  /** Resources by the id that the base class gives them, for its finalizer and status calls. */
  readonly #resources = new Map<string, Resource>()
  readonly #stopping = new AbortController()

  constructor(options: ProgramOptions) {
    super(loggerOf(options.log))
    this.#options = options
    const { source, clock, userAgent, observeRequest } = options
    this.kubeConfig = loadKubeConfig(source)
    // The base class has loaded it: naming it here would load the models of all of Kubernetes' kinds into every bundle.
    this.k8sApi = this.kubeConfig.makeApiClient(this.k8sApi.constructor as typeof CoreV1Api)
    this.client = new Client({ source, clock, userAgent, ...(observeRequest && { observe: observeRequest }) })
  }

  /** Follows a resource; called in `init`. */
  follow<T extends KubernetesObject, S = T>(
    resource: Resource<T>,
    options: Omit<InformerOptions<T, S>, Settings> = {},
  ): Informer<T, S> {
    const informer = this.followAside(resource, options)
    this.#informers.push(informer)
    return informer
  }

  /** As {@link follow}, for what the program can do without: nothing waits for it, and the caller starts and stops it. */
  followAside<T extends KubernetesObject, S = T>(
    resource: Resource<T>,
    options: Omit<InformerOptions<T, S>, Settings> = {},
  ): Informer<T, S> {
    const { clock, random, observeEnding } = this.#options
    const observe = (ending: Ending): void => {
      this.#tell(resource, ending)
      observeEnding?.(resource, ending)
    }
    return new Informer<T, S>({ observe, ...options, client: this.client, resource, clock, random })
  }

  /** Works on keys once everything is synced; called in `init`. */
  work(options: Omit<ReconcilerOptions, 'clock' | 'random'>): Reconciler {
    const { clock, random } = this.#options
    const reconciler = new Reconciler({ ...options, clock, random })
    this.#reconcilers.push(reconciler)
    return reconciler
  }

  /** Called when every informer has synced, before any key is worked on. */
  protected synced(): Promise<void> | void {
    // Most programs have nothing to do here.
  }

  /** @returns false where it was stopped before it had synced */
  override async start(): Promise<void> {
    await super.start()
    for (const informer of this.#informers) informer.start()
    await Promise.race([this.whenSynced(), aborted(this.#stopping.signal)])
    if (this.#stopping.signal.aborted) return
    await this.synced()
    for (const reconciler of this.#reconcilers) reconciler.start()
  }

  /** Keys under way are finished, nothing new is begun, watches end. */
  override async stop(): Promise<void> {
    this.#stopping.abort()
    super.stop()
    await Promise.all(this.#reconcilers.map((reconciler) => reconciler.stop()))
    await Promise.all(this.#informers.map((informer) => informer.stop()))
    this.client.close()
  }

  async whenSynced(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.whenSynced()))
  }

  /** Resources whose copy has never been complete, each with the reason; empty = ready. */
  notSynced(): readonly string[] {
    return this.#informers
      .filter((informer) => !informer.isSynced)
      .map(({ resource, lastError }) => `${resource.plural}: ${lastError?.message ?? 'listing'}`)
  }

  /** What its loops wait for: see {@link loopsTurn}. */
  pending(): readonly (Pending | undefined)[] {
    return [...this.#informers, ...this.#reconcilers].map((loop) => loop.pending)
  }

  /** Clock time of the last sign of life on the informer that has waited longest; undefined before all had one. */
  get lastContactAt(): number | undefined {
    const times = this.#informers.map((informer) => informer.lastContactAt)
    return times.length === 0 || times.includes(undefined) ? undefined : Math.min(...(times as number[]))
  }

  /**
   * The base class's way to follow a resource, on our informer: events come one after the other, each after the last
   * was handled; what a relist finds comes as Added, Modified or Deleted like everything else.
   */
  protected override async watchResource(
    group: string,
    version: string,
    plural: string,
    onEvent: (event: ResourceEvent) => Promise<void>,
    namespace?: string,
  ): Promise<void> {
    const resource: Resource = { group, version, plural, kind: '', namespaced: true }
    const id = `${plural}.${group === '' ? version : `${group}/${version}`}`
    this.#resources.set(id, resource)
    const informer = this.follow(resource, namespace === undefined ? {} : { selection: { namespace } })
    let last: Promise<void> = Promise.resolve()
    informer.onChange((change) => {
      last = last.then(() => onEvent(eventOf(id, change)))
    })
  }

  protected override getCustomResourceApiUri(
    group: string,
    version: string,
    plural: string,
    namespace?: string,
  ): string {
    const server = this.kubeConfig.getCurrentCluster()?.server ?? ''
    return server + collectionPath({ group, version, plural, kind: '', namespaced: true }, namespace)
  }

  /** @throws ApiError, where the base class would log and return null */
  protected override async setResourceStatus(meta: ResourceMeta, status: unknown): Promise<ResourceMeta | null> {
    // PUT on the subresource: what the new status does not name is gone.
    const object = { metadata: nameAndVersionOf(meta), status }
    const options = { subresource: 'status' }
    return metaOf(meta, await this.client.replace(this.#resourceOf(meta), object, options))
  }

  /** @throws ApiError, where the base class would log and return null */
  protected override async patchResourceStatus(meta: ResourceMeta, status: unknown): Promise<ResourceMeta | null> {
    const patch = { metadata: { resourceVersion: meta.resourceVersion }, status }
    const options = { subresource: 'status' }
    return metaOf(meta, await this.client.patch(this.#resourceOf(meta), nameOf(meta), patch, options))
  }

  /** @throws ApiError, where the base class would log and go on */
  protected override async setResourceFinalizers(meta: ResourceMeta, finalizers: string[]): Promise<void> {
    // With the version: two that add a finalizer at once must not remove each other's.
    const patch = { metadata: { finalizers, resourceVersion: meta.resourceVersion } }
    await this.client.patch(this.#resourceOf(meta), nameOf(meta), patch)
  }

  #resourceOf(meta: ResourceMeta): Resource {
    const resource = this.#resources.get(meta.id)
    if (resource === undefined) throw new Error(`${meta.id} is not watched`)
    return { ...resource, kind: meta.kind }
  }

  #tell(resource: Resource, ending: Ending): void {
    if (ending.kind !== 'failed') return
    const { log } = this.#options
    // A watch that ends is daily bread; a list that fails keeps us from knowing.
    const line = ending.during === 'list' ? log.warn : log.info
    line('watchInterrupted', `following ${resource.plural} was interrupted: ${ending.error.message}`, {
      resource: resource.plural,
      during: ending.during,
      because: ending.error.kind,
    })
  }
}

function loggerOf(log: Log): ConstructorParameters<typeof Operator>[0] {
  return {
    debug: (message) => log.debug('operator', message),
    info: (message) => log.info('operator', message),
    warn: (message) => log.warn('operator', message),
    error: (message) => log.error('operator', message),
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

const TYPE_OF_CHANGE = { add: 'ADDED', update: 'MODIFIED', delete: 'DELETED' } as const

function eventOf(id: string, change: Change<KubernetesObject>): ResourceEvent {
  const object = change.kind === 'delete' ? change.old : change.object
  // The enum of the base class; its values are these strings.
  const type = TYPE_OF_CHANGE[change.kind] as ResourceEventType
  return { type, object: object as unknown as ResourceEvent['object'], meta: metaOf({ id }, object) }
}

function metaOf({ id }: { readonly id: string }, object: KubernetesObject): ResourceMeta {
  const { name, namespace, resourceVersion } = object.metadata
  const { apiVersion, kind } = object
  if (resourceVersion === undefined) throw new ApiError('malformed', `${id} ${name} has no resourceVersion`)
  const meta = { id, name, resourceVersion, apiVersion: apiVersion ?? '', kind: kind ?? '' }
  return namespace === undefined ? meta : { ...meta, namespace }
}

function nameOf(meta: ResourceMeta): ObjectName {
  return { namespace: meta.namespace, name: meta.name }
}

function nameAndVersionOf(meta: ResourceMeta): KubernetesObject['metadata'] {
  const metadata = { name: meta.name, resourceVersion: meta.resourceVersion }
  return meta.namespace === undefined ? metadata : { ...metadata, namespace: meta.namespace }
}
