/** What kinds of objects there are, where the API server serves them, and what every object carries. */

/** Metadata that Invar reads or writes. The server sends more; what is not named here is passed through untouched. */
export interface ObjectMeta {
  readonly name: string
  /** Absent on objects that live in no namespace. */
  readonly namespace?: string
  readonly uid?: string
  /** Opaque version of the stored object: equal means unchanged. */
  readonly resourceVersion?: string
  readonly generation?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
}

/**
 * One kind of object as the API server serves it. The type parameter is what its objects look like; it exists for the
 * compiler only.
 */
export interface Resource<T extends KubernetesObject = KubernetesObject> {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  /** Lower case plural, as in the URL. */
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** Never set. */
  readonly objects?: T
}

/** Which object of a resource. `namespace` is left out for objects that live in none. */
export interface ObjectName {
  readonly namespace?: string | undefined
  readonly name: string
}

/** `v1`, `metallb.io/v1beta1`. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

/** `namespace/name`, or `name` where there is no namespace. The key of stores and queues. */
export function keyOf(name: ObjectName): string {
  return name.namespace === undefined || name.namespace === '' ? name.name : `${name.namespace}/${name.name}`
}

/** The inverse of {@link keyOf}. */
export function nameOfKey(key: string): ObjectName {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** URL path of all objects of a resource: of one namespace, or of all. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const scope =
    namespace === undefined || namespace === '' || !resource.namespaced
      ? ''
      : `/namespaces/${encodeURIComponent(namespace)}`
  return `${root}${scope}/${resource.plural}`
}

/** URL path of one object, or of a part of it such as `status`. */
export function objectPath(resource: Resource, name: ObjectName, subresource?: string): string {
  const path = `${collectionPath(resource, name.namespace)}/${encodeURIComponent(name.name)}`
  return subresource === undefined ? path : `${path}/${subresource}`
}

/** An owner reference to an object that was read from the API server. */
export function ownerReferenceTo(resource: Resource, owner: KubernetesObject): OwnerReference {
  const { name, uid } = owner.metadata
  if (uid === undefined) throw new Error(`${resource.kind} ${name} was not read from the API server: it has no uid`)
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, name, uid }
}
