import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { definitionFiles, generateCrds } from '../build/crds.ts'

test('what is generated is what the YAML says: after a change run `node build/crds.ts`', async () => {
  const expected = await generateCrds()
  const present = globSync('*.ts', { cwd: join(import.meta.dirname, 'generated') })
  assert.deepEqual(present.sort(), [...expected.keys()].sort())
  for (const [name, text] of expected) {
    assert.equal(readFileSync(join(import.meta.dirname, 'generated', name), 'utf8'), text, name)
  }
})

test('both versions of BGPPeer have one schema, so that conversion loses nothing', () => {
  const peer = parse(readFileSync(join(import.meta.dirname, 'bgppeer.yaml'), 'utf8'))
  const [stored, served] = peer.spec.versions
  assert.deepEqual(served.schema, stored.schema)
  assert.deepEqual([stored.name, stored.storage, served.name, served.storage], ['v1beta2', true, 'v1beta1', false])
  assert.deepEqual(peer.spec.conversion, { strategy: 'None', webhook: null })
})

test('every kind is namespaced, has the status subresource, and survives an uninstall', () => {
  for (const name of definitionFiles()) {
    const { metadata, spec } = parse(readFileSync(name, 'utf8'))
    assert.equal(spec.scope, 'Namespaced', name)
    assert.equal(metadata.name, `${spec.names.plural}.metallb.io`)
    assert.equal(metadata.annotations['helm.sh/resource-policy'], 'keep', name)
    for (const version of spec.versions) assert.deepEqual(version.subresources, { status: {} }, name)
  }
})
