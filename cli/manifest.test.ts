import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Manifest, parseManifest } from './manifest.ts'

function objectsOf(text: string) {
  const manifest = parseManifest(text, 'file')
  assert.equal(manifest.kind, 'objects')
  return manifest as Manifest & { readonly kind: 'objects' }
}

function specOf(yaml: string): unknown {
  return objectsOf(`apiVersion: v1\nkind: X\nspec: ${yaml}\n`).objects[0]!.object.spec
}

const TWO = `# a comment
apiVersion: v1
kind: A
metadata:
  name: a
  annotations:
    invar.dev/reuse-after: 10m
spec:
  addresses:
    - one
    - two
  nested: {
    deep: [{ x: 1 }]
  }
---
---
apiVersion: v1
kind: B
`

describe('documents', () => {
  const CASES: readonly [what: string, text: string, kinds: readonly string[], others: number][] = [
    ['several, an empty one between', TWO, ['A', 'B'], 0],
    ['nothing', '', [], 0],
    ['only a comment', '# nothing\n', [], 0],
    ['values of a chart', 'replicas: 3\n', [], 1],
    ['a text', 'just a text\n', [], 1],
    ['JSON', '{"apiVersion":"v1","kind":"A"}', ['A'], 0],
    ['JSON indented by tabs', '{\n\t"apiVersion": "v1",\n\t"kind": "A"\n}\n', ['A'], 0],
    [
      'a List',
      'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A}\n- {apiVersion: v1, kind: B}\n',
      ['A', 'B'],
      0,
    ],
    ['an empty List', 'apiVersion: v1\nkind: List\nitems: []\n', [], 0],
    ['Windows line ends', TWO.replaceAll('\n', '\r\n'), ['A', 'B'], 0],
  ]
  for (const [what, text, kinds, others] of CASES) {
    test(what, () => {
      const found = objectsOf(text)
      assert.deepEqual(
        found.objects.map(({ object }) => object.kind),
        kinds,
      )
      assert.equal(found.others, others)
    })
  }
})

describe('the line of a path', () => {
  const LINES: readonly [path: string, line: number][] = [
    ['', 2],
    ['kind', 3],
    ['metadata.name', 5],
    ['metadata.annotations[invar.dev/reuse-after]', 7],
    ['spec.addresses', 9],
    ['spec.addresses[1]', 11],
    ['spec.nested.deep[0].x', 13],
    ['spec.addresses[7]', 9],
    ['spec.absent.deeper', 8],
    ['absent', 2],
  ]
  for (const [path, line] of LINES) {
    test(`${path || 'the object'} is line ${line}`, () => assert.equal(objectsOf(TWO).objects[0]!.lineOf(path), line))
  }

  test('in an item of a List', () => {
    const text = 'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n  spec:\n    x: 1\n'
    assert.equal(objectsOf(text).objects[0]!.lineOf('spec.x'), 7)
  })

  test('of an object that an alias stands for: where it is written', () => {
    const text = 'apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: v1, kind: A}\n- *a\n'
    assert.deepEqual(
      objectsOf(text).objects.map(({ lineOf }) => lineOf('kind')),
      [4, 5],
    )
  })
})

describe('values are what kubectl takes them for', () => {
  const VALUES: readonly [yaml: string, value: unknown][] = [
    ['no', false],
    ['Yes', true],
    ['off', false],
    ['y', 'y'],
    ['"no"', 'no'],
    ['64500:10', '64500:10'],
    ['10.0', 10],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['~', null],
  ]
  for (const [yaml, value] of VALUES)
    test(`${yaml} is ${JSON.stringify(value)}`, () => assert.deepEqual(specOf(yaml), value))
})

describe('broken documents are named with their line', () => {
  const BROKEN: readonly [what: string, text: string, line: number][] = [
    ['an open bracket', 'apiVersion: v1\nkind: [A\n', 3],
    ['a repeated key', 'apiVersion: v1\nkind: A\nkind: B\n', 3],
    ['an alias without anchor', 'apiVersion: v1\nkind: A\nspec: *nobody\n', 1],
    ['in the second document', 'apiVersion: v1\nkind: A\n---\na: b: c\n', 4],
  ]
  for (const [what, text, line] of BROKEN) {
    test(what, () => {
      const manifest = parseManifest(text, 'file')
      assert.ok(manifest.kind === 'broken', 'it was read')
      assert.equal(manifest.line, line)
      assert.ok(!manifest.message.includes('\n'))
    })
  }

  test('aliases that would fill the memory', () => {
    const level = (name: string, of: string) => `${name}: &${name} [${Array(9).fill(`*${of}`).join(', ')}]`
    const text = ['a: &a [x, x]', level('b', 'a'), level('c', 'b'), level('d', 'c'), level('e', 'd'), level('f', 'e')]
    assert.equal(parseManifest(text.join('\n'), 'file').kind, 'broken')
  })
})
