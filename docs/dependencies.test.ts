/** docs/dependencies.md has a line of reason for each thing of others that is used, and none for what is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PACKAGE_SETS } from '../build/packages.ts'
import own from '../package.json' with { type: 'json' }
import site from '../site/package.json' with { type: 'json' }
import { readPage } from '../testkit/pages.ts'

/** Names in the first column of the tables. */
const explained = [...readPage('docs/dependencies.md').matchAll(/^\| (`.*?) \|/gm)].flatMap((row) =>
  [...row[1]!.matchAll(/`([^`]+)`/g)].map((name) => name[1]!),
)

test('each package has its line, and each line its package', () => {
  const { dependencies, devDependencies, optionalDependencies, overrides } = own
  const npm = [dependencies, devDependencies, optionalDependencies, overrides, site.devDependencies].flatMap(
    Object.keys,
  )
  const used = [...npm, ...PACKAGE_SETS.flatMap(({ packages }) => packages)]
  assert.deepEqual([...new Set(explained)].sort(), [...new Set(used)].sort())
})
