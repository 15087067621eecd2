import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { documentationPages } from '../testkit/pages.ts'
import { faultsOf, pageOf } from './site.ts'

const SITE = join(import.meta.dirname, '../site')
const read = (name: string) => readFileSync(join(SITE, name), 'utf8')

test('links that lead nowhere within the site are found, pages and anchors', () => {
  const pages = new Map([
    [
      'index.html',
      pageOf('<a href="./docs/a.html#one">a</a> <a href="/gone.html">b</a> <a href="https://example.com">c</a>'),
    ],
    [
      'docs/a.html',
      pageOf('<h2 id="one">one</h2> <a href="../index.html">up</a> <a href="#two">down</a> <img src="p.svg">'),
    ],
  ])
  assert.deepEqual(
    faultsOf(pages, (file) => pages.has(file) || file === 'docs/p.svg'),
    ['index.html: /gone.html leads nowhere', 'docs/a.html: docs/a.html has no #two'],
  )
})

test('every page of docs/ has its place in the sidebar', () => {
  const config = read('.vitepress/config.mts')
  const missing = documentationPages()
    .filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
    .map((page) => page.slice('docs/'.length, -'.md'.length).replace('README', 'index'))
    .filter(
      (path) => !config.includes(`${path}:`) && !config.includes(`'${path}':`) && !config.includes(`/docs/${path}'`),
    )
  assert.deepEqual(missing, [])
})

test('its lock file names no registry, and its one dependency is pinned', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved"/)
  const { devDependencies } = JSON.parse(read('package.json'))
  for (const version of Object.values(devDependencies)) assert.match(String(version), /^\d+\.\d+\.\d+$/)
})
