/**
 * JSON schemas (draft 2020-12 without the odds and ends) of what the commands print. A schema is written beside the type
 * that it is of, and the compiler holds the two together: a field that one has and the other lacks does not compile.
 */

export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly enum?: readonly string[]
  readonly const?: boolean
  readonly anyOf?: readonly Schema[]
}

/** A schema of values of the type. `of` is never set; it is there for the compiler, and takes no other type. */
export interface Shape<T> {
  readonly schema: Schema
  readonly of?: (value: T) => T
}

/** A field that may be absent. */
export interface Optional<T> {
  readonly optional: Shape<T>
}

type IsOptional<T, K extends keyof T> = object extends Pick<T, K> ? true : false

/** Every field of T, with the shape of its type. */
type Members<T> = {
  readonly [K in keyof T]-?: IsOptional<T, K> extends true ? Optional<Exclude<T[K], undefined>> : Shape<T[K]>
}

/** Fields may be added to an answer later: the schema lets them pass. Tests take `strict`. */
export function object<T extends object>(members: Members<T>): Shape<T> {
  const entries = Object.entries(members) as [string, Shape<unknown> | Optional<unknown>][]
  const properties = Object.fromEntries(
    entries.map(([name, member]) => [name, 'optional' in member ? member.optional.schema : member.schema]),
  )
  const required = entries.filter(([, member]) => !('optional' in member)).map(([name]) => name)
  return { schema: { type: 'object', properties, required } }
}

export function optional<T>(shape: Shape<T>): Optional<T> {
  return { optional: shape }
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return { schema: { type: 'array', items: shape.schema } }
}

export function record<T>(shape: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return { schema: { type: 'object', additionalProperties: shape.schema } }
}

export const text: Shape<string> = { schema: { type: 'string' } }
export const flag: Shape<boolean> = { schema: { type: 'boolean' } }
export const number: Shape<number> = { schema: { type: 'number' } }
export const integer: Shape<number> = { schema: { type: 'integer' } }
/** Printed as a whole number. */
export const bigInteger: Shape<bigint> = { schema: { type: 'integer' } }

/** One of these texts. */
export function oneOf<const T extends string>(values: readonly T[]): Shape<T> {
  return { schema: { type: 'string', enum: values } }
}

/** A text from a union that grows with what there is to say: the schema names no members. */
export function code<T extends string>(): Shape<T> {
  return { schema: { type: 'string' } }
}

/** One of two forms. */
export function either<A, B>(first: Shape<A>, second: Shape<B>): Shape<A | B> {
  return { schema: { anyOf: [first.schema, second.schema] } }
}

/** A literal true or false: it tells two forms apart. */
export function exactly<const T extends boolean>(value: T): Shape<T> {
  return { schema: { type: 'boolean', const: value } }
}

/** The same schema that lets no field pass that it does not name. */
export function strict(schema: Schema): Schema {
  const { properties, items, anyOf, additionalProperties } = schema
  return {
    ...schema,
    ...(items === undefined ? {} : { items: strict(items) }),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map(strict) }),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: strict(additionalProperties) } : {}),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, strict(one)])),
          additionalProperties: false,
        }),
  }
}
