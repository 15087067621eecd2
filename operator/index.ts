/**
 * The Kubernetes half that the programs share.
 *
 * A program makes one {@link Client}, an {@link Informer} for each resource that it follows, and a {@link Reconciler}
 * for each kind of key that it works on:
 *
 * ```ts
 * const client = new Client({ source: { kind: 'default' }, clock, userAgent: 'invar-controller/0.1.0' })
 * const services = new Informer({ client, resource: SERVICES, clock, random })
 * const reconciler = new Reconciler({ reconcile, allKeys: () => services.store.keys(), onFault, clock, random })
 * services.onChange((change) => reconciler.add(change.key, services.isSynced ? 'live' : 'bulk'))
 * services.start()
 * await services.whenSynced()
 * reconciler.start()
 * ```
 */

export type { Page } from './answer.ts'
export {
  API_ERROR_KINDS,
  ApiError,
  type ApiErrorKind,
  isTransient,
  unless,
} from './api-error.ts'
export { type Backoff, backoffMs } from './backoff.ts'
export {
  Client,
  type ClientOptions,
  type ListOptions,
  type ObservedRequest,
  type PatchOptions,
  type RequestOptions,
  type Selection,
  type WatchOptions,
  type WriteOptions,
} from './client.ts'
export { type ClientMetrics, clientMetrics } from './client-metrics.ts'
export { Configuration, type KeptNode, keepNamespace, keepNode } from './configuration.ts'
export { ConfigurationStateWriter } from './configuration-state.ts'
export { currentNamespace, type KubeConfigSource, loadKubeConfig } from './credentials.ts'
export { DEFAULT_LEASE_TIMING, type LeaseTiming } from './election.ts'
export type { EventToRaise } from './event-series.ts'
export { type EventCounters, EventRecorder, type EventRecorderOptions } from './events.ts'
export { type Follow, type FollowOptions, onRealChange } from './followed.ts'
export { type GuardedServer, type GuardedServerOptions, type RefusalOf, serveGuarded } from './guarded-server.ts'
export { type Change, Informer, type InformerCounters, type InformerOptions } from './informer.ts'
export { type Fence, Leader, type LeaderOptions } from './leader.ts'
export * from './metallb-resources.ts'
export { type MetricsPageOptions, serveMetrics } from './metrics-page.ts'
export { type KnownSecrets, PeerSecrets, type PeerSecretsOptions } from './peer-secrets.ts'
export { loopsTurn, type Pending, STALLED_AFTER_MS } from './pending.ts'
export { InvarOperator, type ProgramOptions } from './program.ts'
export { KeyQueue, type Lane } from './queue.ts'
export { DONE, type Outcome, type Reconciled, Reconciler, type ReconcilerOptions } from './reconcile.ts'
export {
  apiVersionOf,
  type KubernetesObject,
  keyOf,
  nameOfKey,
  type ObjectMeta,
  type ObjectName,
  type OwnerReference,
  ownerReferenceTo,
  type Resource,
} from './resource.ts'
export * from './resources.ts'
export type { Ending } from './resume.ts'
export { type IndexFunction, type ReadonlyStore, Store } from './store.ts'
export type { WatchEvent } from './watch-stream.ts'
