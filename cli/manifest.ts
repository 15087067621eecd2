/** YAML and JSON as people write it, with the line of everything in it. Pure. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  parseAllDocuments,
  type ScalarTag,
} from 'yaml'

/** What a Kubernetes object has at least. Nothing else of it is known to be right. */
export interface AnyObject {
  readonly apiVersion: string
  readonly kind: string
  readonly [field: string]: unknown
}

/** One object of a file; the items of a List are objects of their own. */
export interface ManifestObject {
  readonly object: AnyObject
  /** As the user named it; `-` = standard input. */
  readonly file: string
  /** Line, from 1, of a path like `spec.addresses[1]`, or of the innermost part of it that is there. */
  readonly lineOf: (path: string) => number
}

export type Manifest =
  | {
      readonly kind: 'objects'
      readonly objects: readonly ManifestObject[]
      /** Documents that are no Kubernetes objects: values of a chart, for example. */
      readonly others: number
    }
  | { readonly kind: 'broken'; readonly line: number; readonly message: string }

/**
 * What kubectl takes for a boolean beyond YAML 1.2. Numbers with colons stay text, which the YAML 1.1 schema of the
 * library would take for sexagesimal: `64500:10` is a community.
 */
const BOOLEAN_WORDS: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/,
  resolve: (text) => /^(?:yes|on)$/i.test(text),
}

export function parseManifest(text: string, file: string): Manifest {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    customTags: (tags) => [BOOLEAN_WORDS, ...tags],
  })
  const objects: ManifestObject[] = []
  let others = 0
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors
    if (error !== undefined) return { kind: 'broken', line: lines.linePos(error.pos[0]).line, message: error.message }
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) continue
    const root: ParsedNode = document.contents
    let value: unknown
    try {
      value = document.toJS()
    } catch (cause) {
      // Aliases without anchor, or so many that the document would not fit into memory.
      return { kind: 'broken', line: lines.linePos(root.range[0]).line, message: (cause as Error).message }
    }
    const lineOf = (path: readonly (string | number)[]) => lines.linePos(offsetOf(root, path)).line
    const found = objectsOf(value, file, lineOf)
    if (found === undefined) others++
    else objects.push(...found)
  }
  return { kind: 'objects', objects, others }
}

type Position = readonly (string | number)[]

/** undefined = not a Kubernetes object. */
function objectsOf(
  value: unknown,
  file: string,
  lineOf: (path: Position) => number,
): readonly ManifestObject[] | undefined {
  if (!isObject(value) || typeof value.apiVersion !== 'string' || typeof value.kind !== 'string') return undefined
  const object = value as AnyObject
  const { items } = object
  if (!object.kind.endsWith('List') || !Array.isArray(items)) {
    return [{ object, file, lineOf: (path) => lineOf(positionOf(path)) }]
  }
  return items.flatMap((item, index) => objectsOf(item, file, (path) => lineOf(['items', index, ...path])) ?? [])
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `metadata.annotations[invar.dev/reuse-after]` → `metadata`, `annotations`, `invar.dev/reuse-after`. */
function positionOf(path: string): Position {
  return [...path.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map(([part, inBrackets]) => {
    const key = inBrackets ?? part
    return inBrackets !== undefined && /^\d+$/.test(key) ? Number(key) : key
  })
}

/** Where the innermost part of the path begins that the document has. */
function offsetOf(root: ParsedNode, path: Position): number {
  let offset = root.range[0]
  let node: Node | null | undefined = root
  for (const part of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      if (pair === undefined) break
      offset = (pair.key as ParsedNode).range[0]
      node = pair.value as Node | null
    } else if (isSeq(node)) {
      node = node.items[Number(part)] as Node | undefined
      offset = node?.range?.[0] ?? offset
    } else break
    // What an alias stands for lies elsewhere, and the user wrote the alias.
    if (node === undefined || isAlias(node)) break
  }
  return offset
}
