/** An API server that remembers what was asked of it, and nothing else; for those who write reports. */
import type { ApiError, Client } from '../operator/index.ts'

export class RememberingClient implements Pick<Client, 'create' | 'patch' | 'delete'> {
  /** `create NAME`, `patch NAME …` and `delete NAME`, in order. */
  readonly calls: string[] = []
  /** What every call is answered with from now on. */
  refuses: ApiError | undefined
  readonly #prefix: string
  readonly #told: (patch: object) => string
  #serial = 0

  /** @param prefix of the names that it gives @param told how a patch is written down */
  constructor(prefix: string, told: (patch: object) => string = JSON.stringify) {
    this.#prefix = prefix
    this.#told = told
  }

  readonly create: Client['create'] = (_, object) => {
    const name = `${this.#prefix}${++this.#serial}`
    const created = { ...object, metadata: { ...object.metadata, name }, status: undefined }
    return this.#answer(`create ${name}`, created)
  }

  readonly patch: Client['patch'] = (_, { name }, patch) => this.#answer(`patch ${name} ${this.#told(patch)}`, {})

  readonly delete: Client['delete'] = (_, { name }) => this.#answer(`delete ${name}`, undefined)

  #answer<T>(call: string, object: unknown): Promise<T> {
    this.calls.push(call)
    return this.refuses === undefined ? Promise.resolve(object as T) : Promise.reject(this.refuses)
  }
}
