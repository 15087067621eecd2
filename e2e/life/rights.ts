/** The rights that roles grant, one by one, and which of them a life has used: by the API server's audit log. */
import type { KubernetesObject } from '../../operator/index.ts'

/** One verb on one resource, for one account, by one role. */
export interface Right {
  readonly account: string
  /** `Role speaker` */
  readonly role: string
  readonly group: string
  /** With its subresource: `services/status`. */
  readonly resource: string
  readonly verb: string
  /** undefined = of any name. */
  readonly name: string | undefined
}

/** A request that an account of ours has made. */
export interface Call extends Omit<Right, 'name' | 'role'> {
  readonly namespace: string
  readonly name: string | undefined
  readonly code: number
  /** The role that allowed it; undefined = it was refused. */
  readonly role: string | undefined
}

interface RoleRef {
  readonly kind: string
  readonly name: string
}

interface Binding extends KubernetesObject {
  readonly roleRef: RoleRef
  readonly subjects: readonly RoleRef[]
}

interface Role extends KubernetesObject {
  readonly rules: readonly {
    /** Absent of paths that are no resources. */
    readonly apiGroups?: readonly string[]
    readonly resources?: readonly string[]
    readonly verbs: readonly string[]
    readonly resourceNames?: readonly string[]
  }[]
}

/** All rights on resources that these objects grant to service accounts. */
export function rightsIn(objects: readonly KubernetesObject[]): readonly Right[] {
  const bindings = objects.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding') as Binding[]
  return bindings.flatMap(({ roleRef, subjects }) => {
    const role = objects.find(({ kind, metadata }) => kind === roleRef.kind && metadata.name === roleRef.name) as Role
    const accounts = subjects.filter(({ kind }) => kind === 'ServiceAccount')
    return accounts.flatMap(({ name }) => rightsOf(name, role))
  })
}

function rightsOf(account: string, { kind, metadata, rules }: Role): readonly Right[] {
  return rules.flatMap(({ apiGroups = [], resources = [], verbs, resourceNames = [undefined] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          resourceNames.map((name) => ({ account, role: `${kind} ${metadata.name}`, group, resource, verb, name })),
        ),
      ),
    ),
  )
}

/** What is read of an entry of the audit log. */
interface AuditEntry {
  readonly stage: string
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: {
    readonly apiGroup?: string
    readonly resource: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code: number }
  readonly annotations?: Readonly<Record<string, string>>
}

/** What the service accounts of a namespace have asked for, in order. */
export function callsIn(auditLog: string, namespace: string): readonly Call[] {
  const prefix = `system:serviceaccount:${namespace}:`
  return auditLog
    .split('\n')
    .filter((line) => line.includes(`"username":"${prefix}`))
    .map((line) => JSON.parse(line) as AuditEntry)
    .flatMap((entry) => {
      // A watch that is still open has no end yet.
      if (entry.stage !== 'ResponseComplete' && entry.stage !== 'ResponseStarted') return []
      const { objectRef } = entry
      return objectRef === undefined ? [] : [callOf(entry, objectRef, entry.user.username.slice(prefix.length))]
    })
}

function callOf(entry: AuditEntry, ref: NonNullable<AuditEntry['objectRef']>, account: string): Call {
  const reason = entry.annotations?.['authorization.k8s.io/reason'] ?? ''
  const allowed = / of ((?:Cluster)?Role) "([^"]+)"/.exec(reason)
  return {
    ...{ account, verb: entry.verb, group: ref.apiGroup ?? '', namespace: ref.namespace ?? '', name: ref.name },
    resource: ref.subresource === undefined ? ref.resource : `${ref.resource}/${ref.subresource}`,
    code: entry.responseStatus?.code ?? 0,
    role: allowed === null ? undefined : `${allowed[1]} ${allowed[2]}`,
  }
}

/** By rights, or by a policy. */
export function refused(calls: readonly Call[]): readonly Call[] {
  return calls.filter(({ code }) => code === 401 || code === 403)
}

export function unused(rights: readonly Right[], calls: readonly Call[]): readonly Right[] {
  const key = ({ account, role, group, resource, verb }: Call | Right) =>
    [account, role, group, resource, verb].join(' ')
  const names = new Map<string, Set<string | undefined>>()
  for (const call of calls) {
    const used = names.get(key(call)) ?? new Set()
    names.set(key(call), used.add(call.name))
  }
  return rights.filter((right) => {
    const used = names.get(key(right))
    return used === undefined || (right.name !== undefined && !used.has(right.name))
  })
}

/** `patch services/status` and the like, for messages. */
export function sentenceOf({ account, verb, resource, group, name }: Right | Call): string {
  const where = group === '' ? resource : `${resource}.${group}`
  return `${account}: ${verb} ${where}${name === undefined ? '' : ` ${name}`}`
}
