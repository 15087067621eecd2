import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Component, fileEntry } from './component.ts'
import { sbom } from './sbom.ts'

const inner: Component = {
  kind: 'library',
  name: 'inner',
  version: '2.0.0',
  url: 'pkg:npm/inner@2.0.0',
  files: [],
  inside: [],
}
const outer: Component = {
  ...{ kind: 'application', name: 'outer', version: '1.0.0', licence: 'MIT', inside: [inner] },
  files: [
    fileEntry('bin/outer', Buffer.from('outer\n')),
    { kind: 'symlink', path: 'bin/alias', target: 'outer' },
    { kind: 'directory', path: 'tmp' },
  ],
}
const unknown: Component = { kind: 'library', name: 'lib/x.so', licence: 'A WITH B', files: [], inside: [] }
const OPTIONS = { image: 'example.test/a', version: '1.0.0', platform: 'linux/amd64', components: [outer, unknown] }

test('files stand below their component, with a digest; a link has none, a folder is no file', () => {
  const { components, dependencies } = JSON.parse(sbom(OPTIONS))
  assert.deepEqual(
    components[0].components.map(({ type, name, hashes }: Record<string, unknown>) => [
      type,
      name,
      hashes !== undefined,
    ]),
    [
      ['library', 'inner', false],
      ['file', '/bin/outer', true],
      ['file', '/bin/alias', false],
    ],
  )
  // As sha256sum prints it.
  const digest = '8d1926b8a8ddca82688efe7f910affc6c5adb84f8b16d30136169bf4abd0b4fb'
  assert.deepEqual(components[0].components[1].hashes, [{ alg: 'SHA-256', content: digest }])
  assert.deepEqual(dependencies, [
    { ref: 'image', dependsOn: ['outer@1.0.0', 'lib/x.so'] },
    { ref: 'outer@1.0.0', dependsOn: ['pkg:npm/inner@2.0.0'] },
    { ref: 'pkg:npm/inner@2.0.0', dependsOn: [] },
    { ref: 'lib/x.so', dependsOn: [] },
  ])
})

test('one licence goes by its identifier, more than that is an expression', () => {
  const { components } = JSON.parse(sbom(OPTIONS))
  assert.deepEqual(
    components.map(({ licenses }: Record<string, unknown>) => licenses),
    [[{ license: { id: 'MIT' } }], [{ expression: 'A WITH B' }]],
  )
})

test('the same components give the same bytes, others another serial number', () => {
  assert.equal(sbom(OPTIONS), sbom(structuredClone(OPTIONS)))
  const serialOf = (document: string) => JSON.parse(document).serialNumber
  assert.match(
    serialOf(sbom(OPTIONS)),
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  )
  assert.notEqual(serialOf(sbom(OPTIONS)), serialOf(sbom({ ...OPTIONS, components: [outer] })))
  assert.equal(JSON.parse(sbom({ ...OPTIONS, createdAt: 0 })).metadata.timestamp, '1970-01-01T00:00:00.000Z')
})
