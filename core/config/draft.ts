/**
 * A resource on its way into the Snapshot. Each kind's module turns resources into drafts on their own merits; checks
 * across objects then refuse some of them; `settle` falls back to the last good form of what was refused.
 */
import { type ObjectMeta, type SchemaProblem, validate, withDefaults } from '../../crds/index.ts'
import type { Problem } from './problem.ts'
import type { ConfigKind, Resources } from './resources.ts'
import type { Rule } from './rules.ts'
import type { ObjectRef } from './snapshot.ts'

export interface Draft<Form> {
  readonly object: ObjectRef
  /** Sorts by age: creation, then name. What was not created yet is the youngest. */
  readonly age: string
  /** false: it lies elsewhere or has another's name, so nothing under its name is meant by it. */
  readonly isKnown: boolean
  readonly findings: Findings
  /** What the resource says, as far as it can be read; in force only while nothing blocks it. */
  readonly form: Form | undefined
}

/** What is wrong with one object, collected while it is compiled. */
export class Findings {
  readonly problems: Problem[] = []
  readonly object: ObjectRef

  constructor(object: ObjectRef) {
    this.object = object
  }

  /** The first problem that keeps the object out of force. */
  get blocking(): Problem | undefined {
    return this.problems.find((problem) => problem.severity !== 'notice')
  }

  /** The object is wrong. `text` names the value, what is wrong and what would be right, without a full stop. */
  error(path: string, rule: Rule, text: string, related: readonly ObjectRef[] = []): void {
    this.#add('error', path, rule, text, related)
  }

  /** The object refers to something that is not there yet. */
  waiting(path: string, rule: Rule, text: string, related: readonly ObjectRef[] = []): void {
    this.#add('waiting', path, rule, text, related)
  }

  /** The object is in force, but its owner should know. */
  notice(path: string, rule: Rule, text: string, related: readonly ObjectRef[] = []): void {
    this.#add('notice', path, rule, text, related)
  }

  #add(severity: Problem['severity'], path: string, rule: Rule, text: string, related: readonly ObjectRef[]): void {
    const { kind, name } = this.object
    const message = `${kind} ${name}${path === '' ? '' : `, ${path}`}: ${text}.`
    const problem = { object: this.object, path, rule, message, severity }
    this.problems.push(related.length === 0 ? problem : { ...problem, related })
  }
}

interface Resource {
  readonly metadata: ObjectMeta
}

/** Drafts of all resources of a kind, oldest first. `read` is called only with resources whose fields have their types. */
export function draft<R extends Resource, Form>(
  kind: ConfigKind,
  list: readonly R[],
  resources: Resources,
  read: (resource: R, findings: Findings) => Form | undefined,
): readonly Draft<Form>[] {
  const seen = new Set<string>()
  const aged = list.map((raw) => ({ raw, object: identityOf(kind, raw, resources), age: ageOf(raw) }))
  return aged
    .sort((a, b) => (a.age < b.age ? -1 : 1))
    .map(({ raw, object, age }) => {
      const findings = new Findings(object)
      judgeIdentity(object, resources, findings, seen)
      const isKnown = findings.blocking === undefined
      const resource = isKnown ? typedOf(kind, raw, resources, findings) : undefined
      return { object, age, isKnown, findings, form: resource === undefined ? undefined : read(resource, findings) }
    })
}

function ageOf(raw: Resource): string {
  const { creationTimestamp = 'uncreated', name } = (raw.metadata ?? {}) as ObjectMeta
  return `${creationTimestamp} ${name}`
}

/** A file may say anything; what comes out of an API server has a name. */
function identityOf(kind: ConfigKind, raw: Resource, resources: Resources): ObjectRef {
  const { name, generateName, namespace } = (raw.metadata ?? {}) as ObjectMeta
  return { kind, namespace: String(namespace ?? resources.namespace ?? ''), name: String(name ?? generateName ?? '') }
}

function judgeIdentity(object: ObjectRef, resources: Resources, findings: Findings, seen: Set<string>): void {
  const { namespace, name, kind } = object
  if (name === '') findings.error('metadata.name', 'field-missing', 'every object needs a name')
  if (resources.namespace !== undefined && namespace !== resources.namespace) {
    const text = `lies in ${namespace}, but only ${resources.namespace} is read; move it there`
    findings.error('metadata.namespace', 'wrong-namespace', text)
  }
  if (findings.blocking !== undefined) return
  if (seen.has(name)) findings.error('metadata.name', 'object-repeated', `another ${kind} has this name; rename one`)
  seen.add(name)
}

/** undefined = some field is missing or of another type, so that nothing can be read. */
function typedOf<R extends Resource>(
  kind: ConfigKind,
  raw: R,
  resources: Resources,
  findings: Findings,
): R | undefined {
  const { resource, problems } = structureOf(kind, raw)
  for (const { path, rule, text } of problems) {
    if (rule === 'field-unknown' && resources.unknownFields !== 'error') findings.notice(path, rule, text)
    else findings.error(path, rule, text)
  }
  const isTyped = problems.every(({ rule }) => rule !== 'field-type' && rule !== 'field-missing')
  return isTyped ? (resource as R) : undefined
}

interface Structure {
  readonly resource: unknown
  readonly problems: readonly SchemaProblem[]
}

/** Resources out of an informer's store are the same object until they change, so most have been looked at before. */
const structures = new WeakMap<object, Structure>()

function structureOf(kind: ConfigKind, raw: Resource): Structure {
  const known = structures.get(raw)
  if (known !== undefined) return known
  const resource = withDefaults(kind, raw)
  const structure = { resource, problems: validate(kind, resource) }
  structures.set(raw, structure)
  return structure
}

/**
 * What comes into force: the draft itself where nothing blocks it, else its last good form. In name order.
 * An object that was never good is left out.
 */
export function settle<Form>(
  drafts: readonly Draft<Form>[],
  lastGood: ReadonlyMap<string, Form> | undefined,
): ReadonlyMap<string, Form> {
  const entries = drafts.flatMap((one) => {
    const form = inForce(one, lastGood)
    return form === undefined ? [] : [[one.object.name, form] as const]
  })
  return inNameOrder(entries)
}

export function inForce<Form>(one: Draft<Form>, lastGood: ReadonlyMap<string, Form> | undefined): Form | undefined {
  if (!one.isKnown) return undefined
  return one.findings.blocking === undefined ? one.form : lastGood?.get(one.object.name)
}

export function inNameOrder<Form>(entries: readonly (readonly [string, Form])[]): ReadonlyMap<string, Form> {
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}
