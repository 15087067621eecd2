/** Informers that keep, and tell of, no more than their reader needs. */
import { isDeepStrictEqual } from 'node:util'
import type { Change, Informer, InformerOptions } from './informer.ts'
import type { KubernetesObject, Resource } from './resource.ts'

export type FollowOptions<T extends KubernetesObject, S> = Pick<
  InformerOptions<T, S>,
  'selection' | 'transform' | 'indexes'
>

/** Makes an informer of a program, which starts and stops it: `InvarOperator.follow`. */
export type Follow = <T extends KubernetesObject, S>(
  resource: Resource<T>,
  options: FollowOptions<T, S>,
) => Informer<T, S>

/**
 * Calls the handler for every change that shows in `view` of what is kept.
 * @param view what matters of an object; default: all of it
 */
export function onRealChange<T extends KubernetesObject, S>(
  informer: Pick<Informer<T, S>, 'onChange'>,
  handler: (change: Change<S>) => void,
  view: (object: S) => unknown = (object) => object,
): void {
  informer.onChange((change) => {
    if (change.kind === 'update' && isDeepStrictEqual(view(change.old), view(change.object))) return
    handler(change)
  })
}
