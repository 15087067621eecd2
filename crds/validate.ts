/**
 * What the API server does with a resource before it stores it, done here for resources that no API server has seen
 * (files given to `invarctl lint`) or that another version's schema let through: nulls dropped, defaults filled in,
 * structure checked. Rules written in CEL are not evaluated; core/config repeats them.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { DEFINITIONS, type Kind } from './generated/schemas.ts'
import type { Schema } from './schema.ts'

export const SCHEMA_RULES = {
  'api-version-unknown': 'The apiVersion is not one in which this kind is served.',
  'field-unknown': 'The kind has no field of this name, so the API server would drop it.',
  'field-missing': 'A required field is absent.',
  'field-type': 'The value is of another type than the schema says.',
  'field-value': 'The value is outside of what the schema allows.',
} as const

export type SchemaRule = keyof typeof SCHEMA_RULES

/** A fault in the structure of one resource. */
export interface SchemaProblem {
  /** `spec.addresses[1]`; '' for the resource as a whole. */
  readonly path: string
  readonly rule: SchemaRule
  /** Says of what lies at the path, in plain words, what is wrong and what would be right; without a full stop. */
  readonly text: string
}

/** The kinds of the API group metallb.io. */
export const KINDS = Object.keys(DEFINITIONS) as readonly Kind[]

export function isKind(kind: unknown): kind is Kind {
  return typeof kind === 'string' && Object.hasOwn(DEFINITIONS, kind)
}

/** A copy with nulls dropped and the schema's defaults filled in, as the API server would store it. */
export function withDefaults(kind: Kind, resource: unknown): unknown {
  return defaulted(DEFINITIONS[kind].schema, resource)
}

/** All structural faults of a resource that `withDefaults` has been through; none = the API server would take it. */
export function validate(kind: Kind, resource: unknown): readonly SchemaProblem[] {
  const { schema, apiVersions } = DEFINITIONS[kind]
  const check = validatorOf(kind)
  const problems: SchemaProblem[] = []
  const apiVersion = isObject(resource) ? resource.apiVersion : undefined
  // Objects from a typed list carry no apiVersion: only a wrong one is a fault.
  if (apiVersion !== undefined && !(apiVersions as readonly unknown[]).includes(apiVersion)) {
    const text = `is ${quote(apiVersion)}, but ${kind} is served as ${apiVersions.join(' and ')}`
    problems.push({ path: 'apiVersion', rule: 'api-version-unknown', text })
  }
  if (!check(resource)) problems.push(...(check.errors ?? []).map((error) => problemOf(error)))
  problems.push(...unknownFields(schema, resource, ''))
  return problems
}

const validators = new Map<Kind, ValidateFunction>()

function validatorOf(kind: Kind): ValidateFunction {
  let validator = validators.get(kind)
  if (validator === undefined) {
    const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, validateFormats: false, logger: false })
    validator = ajv.compile(withIntOrString(DEFINITIONS[kind].schema) as object)
    validators.set(kind, validator)
  }
  return validator
}

/** JSON Schema's words for `x-kubernetes-int-or-string`. */
function withIntOrString(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withIntOrString)
  if (!isObject(value)) return value
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withIntOrString(inner)]))
  return copy['x-kubernetes-int-or-string'] === true ? { ...copy, type: ['integer', 'string'] } : copy
}

function problemOf({ instancePath, keyword, params, data, message }: ErrorObject): SchemaProblem {
  const path = pathOf(instancePath)
  const value = path.endsWith('password') ? 'not shown' : quote(data)
  switch (keyword) {
    case 'required':
      return { path: join(path, params.missingProperty), rule: 'field-missing', text: 'is required but absent' }
    case 'type':
      return { path, rule: 'field-type', text: `is ${value} but must be ${IN_WORDS[params.type] ?? params.type}` }
    case 'enum': {
      const allowed = params.allowedValues.map(quote).join(', ')
      return { path, rule: 'field-value', text: `is ${value} but must be one of ${allowed}` }
    }
    case 'minimum':
      return { path, rule: 'field-value', text: `is ${value} but must be at least ${params.limit}` }
    case 'maximum':
      return { path, rule: 'field-value', text: `is ${value} but must be at most ${params.limit}` }
    case 'maxItems':
      return { path, rule: 'field-value', text: `has more than ${params.limit} entries` }
    case 'maxLength':
      return { path, rule: 'field-value', text: `is longer than ${params.limit} characters` }
    case 'minLength':
      return { path, rule: 'field-value', text: `is shorter than ${params.limit} characters` }
    default:
      return { path, rule: 'field-value', text: message ?? 'is not allowed' }
  }
}

const IN_WORDS: Readonly<Record<string, string>> = {
  string: 'text (put it in quotes)',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a set of fields',
}

/** JSON pointer → `spec.addresses[1]`. */
function pathOf(pointer: string): string {
  const parts = pointer.split('/').slice(1)
  return parts.reduce((path, part) => join(path, part.replaceAll('~1', '/').replaceAll('~0', '~')), '')
}

function join(path: string, part: string): string {
  if (/^[0-9]+$/.test(part)) return `${path}[${part}]`
  return path === '' ? part : `${path}.${part}`
}

const LONGEST_QUOTE = 80

/** Sets of fields are not spelled out: they are long, and may hold a password. */
function quote(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (isObject(value)) return 'a set of fields'
  const text = JSON.stringify(value) ?? 'absent'
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text
}

function unknownFields(schema: Schema, value: unknown, path: string): SchemaProblem[] {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined ? [] : value.flatMap((item, index) => unknownFields(items, item, `${path}[${index}]`))
  }
  if (!isObject(value)) return []
  // An object without properties in the schema is either free (metadata) or empty (status): neither is ours to judge.
  const known = schema.properties
  if (known === undefined || schema['x-kubernetes-preserve-unknown-fields'] === true) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    if (Object.hasOwn(known, name)) return unknownFields(known[name]!, inner, join(path, name))
    const meant = Object.keys(known).find((candidate) => isSlipOf(name, candidate))
    const remedy = meant === undefined ? `known here are ${Object.keys(known).join(', ')}` : `write ${meant}`
    return [{ path: join(path, name), rule: 'field-unknown' as const, text: `is not a field of this kind; ${remedy}` }]
  })
}

/** Same letters in another case, or one letter or a plural's s too few or too many. */
function isSlipOf(name: string, known: string): boolean {
  const [a, b] = [name.toLowerCase(), known.toLowerCase()]
  if (a === b) return true
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  if (long.length - short.length > 1) return false
  let common = 0
  while (common < short.length && short[common] === long[common]) common++
  const rest = short.length === long.length ? short.slice(common + 1) : short.slice(common)
  return rest === long.slice(common + 1)
}

function defaulted(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value))
    return schema.items === undefined ? value : value.map((item) => defaulted(schema.items!, item))
  if (!isObject(value)) return value
  const copy: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties
    // The API server treats null as absent where the schema does not say `nullable`.
    if (inner === null && known?.nullable !== true) continue
    copy[name] = known === undefined ? inner : defaulted(known, inner)
  }
  for (const [name, known] of Object.entries(schema.properties ?? {})) {
    if (known.default !== undefined && !Object.hasOwn(copy, name)) copy[name] = structuredClone(known.default)
  }
  return copy
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
