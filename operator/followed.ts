/** Informers that tell only of changes that matter to their reader. */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { Client, Selection } from './client.ts'
import { type Change, Informer } from './informer.ts'
import type { KubernetesObject, Resource } from './resource.ts'
import type { Ending } from './resume.ts'
import type { IndexFunction } from './store.ts'

/** What every informer of a program has in common. */
export interface Following {
  readonly client: Pick<Client, 'list' | 'watch'>
  readonly clock: Clock
  readonly random: Random
  /** Told of each end of a list or watch, for counters and the log. */
  readonly observe?: (resource: Resource, ending: Ending) => void
}

export interface FollowOptions<T, S> extends Selection {
  /** What the reader needs of an object; a change outside of it is no change. */
  readonly keep: (object: T) => S
  readonly indexes?: Readonly<Record<string, IndexFunction<S>>>
}

/** An informer that keeps `keep(object)` and nothing else. It is not started. */
export function follow<T extends KubernetesObject, S>(
  following: Following,
  resource: Resource<T>,
  options: FollowOptions<T, S>,
): Informer<T, S> {
  const { keep, indexes, ...selection } = options
  const { observe, ...common } = following
  return new Informer<T, S>({
    ...common,
    resource,
    selection,
    transform: keep,
    ...(indexes === undefined ? {} : { indexes }),
    ...(observe === undefined ? {} : { observe: (ending) => observe(resource, ending) }),
  })
}

/** Calls the handler for all that is there and for every change that shows in `view` of what is kept. */
export function onRealChange<S>(
  informer: Pick<Informer<KubernetesObject, S>, 'onChange'>,
  handler: (change: Change<S>) => void,
  view: (object: S) => unknown = (object) => object,
): void {
  informer.onChange((change) => {
    if (change.kind === 'update' && isDeepStrictEqual(view(change.old), view(change.object))) return
    handler(change)
  })
}
