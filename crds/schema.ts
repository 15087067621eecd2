/** The part of a structural schema (apiextensions.k8s.io/v1) that Invar's own definitions use. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly properties?: { readonly [name: string]: Schema }
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly nullable?: boolean
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
}

/** What a program needs to know of one custom resource definition. */
export interface Definition {
  readonly plural: string
  /** `metallb.io/v1beta1`; the storage version first. All versions of a kind share the schema. */
  readonly apiVersions: readonly string[]
  readonly schema: Schema
}
