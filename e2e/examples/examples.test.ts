/** The examples against the schemas and `invarctl lint`; that they are in force: e2e/cluster/install.cluster.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lint } from '../../cli/lint.ts'
import { readManifests } from '../../cli/manifest-files.ts'
import { DEFAULT_REQUEST_OPTIONS } from '../../core/allocate/index.ts'
import { isConfigKind, LIST_OF_KIND } from '../../core/config/index.ts'
import { DEFINITIONS, type Schema } from '../../crds/index.ts'

const { objects } = readManifests([import.meta.dirname])

/** Paths of all fields, `spec.serviceAllocation.priority`; selectors are one field. */
function fieldsOf(schema: Schema, path: string): string[] {
  const { properties, items } = schema
  if (items !== undefined) return fieldsOf(items, path)
  if (properties === undefined || 'matchLabels' in properties) return [path]
  return Object.entries(properties).flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`))
}

function isUsed(value: unknown, path: readonly string[]): boolean {
  if (Array.isArray(value)) return value.some((one) => isUsed(one, path))
  const [name, ...rest] = path
  if (name === undefined) return value !== undefined
  return typeof value === 'object' && value !== null && isUsed((value as Record<string, unknown>)[name], rest)
}

for (const kind of Object.keys(LIST_OF_KIND).filter(isConfigKind)) {
  test(`every field of ${kind} has its example`, () => {
    const ofKind = objects.filter(({ object }) => object.kind === kind)
    const fields = fieldsOf(DEFINITIONS[kind].schema.properties!.spec!, 'spec')
    const unused = fields.filter((path) => !ofKind.some(({ object }) => isUsed(object, path.split('.'))))
    assert.deepEqual(unused, [])
  })
}

test('lint finds nothing in them', () => {
  const { problems } = lint({ objects, namespace: 'metallb-system', request: DEFAULT_REQUEST_OPTIONS })
  const found = problems.filter(({ severity }) => severity !== 'notice')
  assert.deepEqual(
    found.map(({ file, line, message }) => `${file}:${line} ${message}`),
    [],
  )
})
