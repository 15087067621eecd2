/** A Service out of a file: anything may stand there. Pure. */
import type { ServiceShape } from '../core/allocate/index.ts'
import { type AnyObject, isObject } from './manifest.ts'

/** A field that is not what the API server would take. */
export interface FieldFault {
  readonly path: string
  /** Without a full stop. */
  readonly text: string
}

export type ServiceOfFile =
  /** Without status: what a file says of it is nobody's claim. */
  | { readonly kind: 'service'; readonly service: ServiceShape }
  | { readonly kind: 'faults'; readonly faults: readonly FieldFault[] }

type Check = (value: unknown, path: string) => readonly FieldFault[]

const text: Check = (value, path) =>
  typeof value === 'string' ? [] : [{ path, text: `is ${JSON.stringify(value)} but must be text (put it in quotes)` }]
const port: Check = (value, path) =>
  Number.isInteger(value) ? [] : [{ path, text: `is ${JSON.stringify(value)} but must be a whole number` }]

function listOf(check: Check): Check {
  return (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => check(item, `${path}[${index}]`))
      : [{ path, text: 'must be a list' }]
}

function mapOf(check: Check): Check {
  return (value, path) =>
    isObject(value)
      ? Object.entries(value).flatMap(([key, item]) => check(item, `${path}[${key}]`))
      : [{ path, text: 'must be a set of fields' }]
}

/** Fields that are not named here are not read. */
function fields(checks: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (!isObject(value)) return [{ path, text: 'must be a set of fields' }]
    return Object.entries(checks).flatMap(([name, check]) =>
      value[name] === undefined ? [] : check(value[name], path === '' ? name : `${path}.${name}`),
    )
  }
}

const SERVICE = fields({
  metadata: fields({ name: text, namespace: text, labels: mapOf(text), annotations: mapOf(text) }),
  spec: fields({
    type: text,
    loadBalancerIP: text,
    loadBalancerClass: text,
    ipFamilyPolicy: text,
    ipFamilies: listOf(text),
    clusterIP: text,
    clusterIPs: listOf(text),
    externalTrafficPolicy: text,
    selector: mapOf(text),
    ports: listOf(fields({ port, protocol: text })),
  }),
})

/** @param namespace of the Service where it names none */
export function serviceOfFile(object: AnyObject, namespace: string): ServiceOfFile {
  const { status: _, ...written } = withoutNulls(object) as AnyObject
  const faults = SERVICE(written, '')
  if (faults.length > 0) return { kind: 'faults', faults }
  const service = written as ServiceShape
  return { kind: 'service', service: { ...service, metadata: { namespace, ...service.metadata } } }
}

/** The API server takes null for absent. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObject(value)) return value
  const present = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(present.map(([key, inner]) => [key, withoutNulls(inner)]))
}
