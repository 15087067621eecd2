/** `invarctl lint`: what is wrong with the objects of files, found without a cluster. Pure. */
import type { RequestOptions } from '../core/allocate/index.ts'
import {
  type ConfigResource,
  compile,
  gather,
  isConfigKind,
  type ObjectRef,
  type Problem,
} from '../core/config/index.ts'
import { isKind, KINDS } from '../crds/index.ts'
import { type LintedService, lintServices } from './lint-services.ts'
import { isObject, type ManifestObject } from './manifest.ts'
import { serviceOfFile } from './service-of-file.ts'

export interface LintInput {
  readonly objects: readonly ManifestObject[]
  /** The namespace of Invar, where it is known; else any will do. */
  readonly namespace: string | undefined
  readonly request: RequestOptions
}

/** A problem, and where it stands. */
export interface FileProblem extends Problem {
  readonly file: string
  /** From 1: of the field, or of the innermost part of it that is there. */
  readonly line: number
}

export interface LintResult {
  /** In the order of files and lines. */
  readonly problems: readonly FileProblem[]
  /** Objects that were looked at. */
  readonly checked: number
  /** Objects of kinds that are none of Invar's business. */
  readonly passedOver: number
}

/** Judges all objects together: what refers to another object, or clashes with one, is seen. */
export function lint({ objects, namespace, request }: LintInput): LintResult {
  const ours = objects.filter(({ object }) => groupOf(object.apiVersion) === 'metallb.io')
  const configuration = ours.filter(({ object }) => isConfigKind(object.kind))
  const services = objects.filter(({ object }) => object.apiVersion === 'v1' && object.kind === 'Service')
  const strangers = ours.filter(({ object }) => !isKind(object.kind))
  const problems = [
    ...strangers.map(kindUnknown),
    ...lintTogether({ configuration, services, namespace, request }),
  ].map(placer(objects))
  const order = new Map(objects.map(({ file }, index) => [file, index]))
  const checked = strangers.length + configuration.length + services.length
  return {
    problems: problems.sort((a, b) => order.get(a.file)! - order.get(b.file)! || a.line - b.line),
    checked,
    passedOver: objects.length - checked,
  }
}

function groupOf(apiVersion: string): string {
  return apiVersion.split('/')[0]!
}

interface SortedInput extends Omit<LintInput, 'objects'> {
  readonly configuration: readonly ManifestObject[]
  readonly services: readonly ManifestObject[]
}

function lintTogether({ configuration, services, namespace, request }: SortedInput): readonly Problem[] {
  // Nothing is known of these objects but their kind; `compile` checks their structure before it reads a field.
  const gathered = gather(configuration.map(({ object }) => object as unknown as ConfigResource))
  const resources = { ...gathered, unknownFields: 'error' as const, ...(namespace === undefined ? {} : { namespace }) }
  const { snapshot, problems } = compile(resources)
  const read = services.map((one) => ({ ref: refOf(one), read: serviceOfFile(one.object, 'default') }))
  const readable = read.flatMap(({ ref, read }): LintedService[] =>
    read.kind === 'service' ? [{ ref, service: read.service }] : [],
  )
  const faulty = read.flatMap(({ ref, read }) =>
    read.kind === 'faults' ? read.faults.map(({ path, text }) => fieldType(ref, path, text)) : [],
  )
  const selectingNamespaces = new Set(configuration.filter(selectsNamespaces).map((one) => refOf(one).name))
  const pools = resources.pools.length === 0 ? undefined : { snapshot, selectingNamespaces }
  return [...problems, ...faulty, ...lintServices(readable, pools, request)]
}

function selectsNamespaces({ object }: ManifestObject): boolean {
  const spec = isObject(object.spec) ? object.spec : {}
  return isObject(spec.serviceAllocation) && spec.serviceAllocation.namespaceSelectors !== undefined
}

function refOf({ object }: ManifestObject): ObjectRef {
  const { name, generateName, namespace } = isObject(object.metadata) ? object.metadata : {}
  return { kind: object.kind, namespace: String(namespace ?? ''), name: String(name ?? generateName ?? '') }
}

function kindUnknown(one: ManifestObject): Problem {
  const object = refOf(one)
  const gone = object.kind === 'AddressPool' ? 'IPAddressPool takes its place' : `known are ${KINDS.join(', ')}`
  const message = `${object.kind} ${object.name}, kind: is not a kind of metallb.io; ${gone}.`
  return { object, path: 'kind', rule: 'kind-unknown', message, severity: 'error' }
}

function fieldType(object: ObjectRef, path: string, text: string): Problem {
  const message = `${object.kind} ${object.name}, ${path}: ${text}.`
  return { object, path, rule: 'field-type', message, severity: 'error' }
}

/** Finds where each problem stands. Of objects with one name, or none, each gets its own. */
function placer(objects: readonly ManifestObject[]): (problem: Problem) => FileProblem {
  const byName = Map.groupBy(objects, (one) => identity(refOf(one)))
  const placed = new Map<string, number>()
  return (problem) => {
    const namesakes = byName.get(identity(problem.object)) ?? []
    const key = [identity(problem.object), problem.rule, problem.path].join(' ')
    // The first of several is the good one.
    const index = (placed.get(key) ?? 0) + (problem.rule === 'object-repeated' ? 1 : 0)
    placed.set(key, (placed.get(key) ?? 0) + 1)
    const source = namesakes[Math.min(index, namesakes.length - 1)]!
    return { ...problem, file: source.file, line: source.lineOf(problem.path) }
  }
}

/** Without the namespace: where an object names none, `compile` fills in that of Invar. */
function identity({ kind, name }: ObjectRef): string {
  return `${kind}/${name}`
}
