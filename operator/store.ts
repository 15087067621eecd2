/** Objects in memory, by key and by whatever else they are asked for. Pure. */

/** Names the values under which an object is found: `(slice) => [serviceKeyOf(slice)]`. */
export type IndexFunction<T> = (object: T) => readonly string[]

/** What readers see of a store. */
export interface ReadonlyStore<T> {
  readonly size: number
  get(key: string): T | undefined
  keys(): IterableIterator<string>
  values(): IterableIterator<T>
  /** Objects that the index lists under `value`. @throws Error where no such index was declared */
  by(index: string, value: string): readonly T[]
  keysBy(index: string, value: string): readonly string[]
}

/** A keyed map with secondary indexes that are kept up to date with it. */
export class Store<T> implements ReadonlyStore<T> {
  readonly #objects = new Map<string, T>()
  readonly #indexes = new Map<string, { readonly of: IndexFunction<T>; readonly keys: Index }>()

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    for (const [name, of] of Object.entries(indexes)) this.#indexes.set(name, { of, keys: new Map() })
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys()
  }

  values(): IterableIterator<T> {
    return this.#objects.values()
  }

  by(index: string, value: string): readonly T[] {
    return this.keysBy(index, value).map((key) => this.#objects.get(key)!)
  }

  keysBy(index: string, value: string): readonly string[] {
    const found = this.#indexes.get(index)
    if (found === undefined) throw new Error(`the store has no index "${index}"`)
    const keys = found.keys.get(value) ?? []
    return typeof keys === 'string' ? [keys] : [...keys]
  }

  /** @returns what was there before */
  set(key: string, object: T): T | undefined {
    const old = this.#objects.get(key)
    this.#objects.set(key, object)
    for (const index of this.#indexes.values()) {
      if (old !== undefined) for (const value of index.of(old)) removeFrom(index.keys, value, key)
      for (const value of index.of(object)) addTo(index.keys, value, key)
    }
    return old
  }

  /** @returns what was there before */
  delete(key: string): T | undefined {
    const old = this.#objects.get(key)
    if (old === undefined) return undefined
    this.#objects.delete(key)
    for (const index of this.#indexes.values()) for (const value of index.of(old)) removeFrom(index.keys, value, key)
    return old
  }
}

/** A set for each of ten thousand values that belong to one object each would take more than their keys. */
type Index = Map<string, string | Set<string>>

function addTo(index: Index, value: string, key: string): void {
  const keys = index.get(value)
  if (keys === undefined) index.set(value, key)
  else if (typeof keys !== 'string') keys.add(key)
  else if (keys !== key) index.set(value, new Set([keys, key]))
}

function removeFrom(index: Index, value: string, key: string): void {
  const keys = index.get(value)
  if (keys === key) index.delete(value)
  if (keys === undefined || typeof keys === 'string') return
  keys.delete(key)
  if (keys.size === 0) index.delete(value)
}
