/** No link of the documentation leads nowhere. Links out of the repository are not followed: tests need no network. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { anchorsOf, documentationPages, furtherPages, linksOf, textOf } from '../testkit/pages.ts'

const ROOT = join(import.meta.dirname, '..')
const pages = [...new Set([...documentationPages(), ...furtherPages()])]

/** undefined = it leads somewhere, or out of the repository. */
function fault(page: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : normalize(join(dirname(page), path))
  if (!existsSync(join(ROOT, target))) return `${page}: there is no ${target}`
  if (anchor === undefined || !target.endsWith('.md')) return undefined
  return anchorsOf(target).has(anchor) ? undefined : `${page}: ${target} has no heading #${anchor}`
}

test('every link within the repository leads to a file, and to a heading of it', () => {
  const links = pages.flatMap((page) => linksOf(page).map((link) => [page, link] as const))
  assert.ok(links.length > 30, `only ${links.length} links found`)
  assert.deepEqual(
    links.map(([page, link]) => fault(page, link)).filter((found) => found !== undefined),
    [],
  )
})

test('every page of docs/ can be reached from its table of contents', () => {
  const reached = new Set(linksOf('docs/README.md').map((link) => normalize(join('docs', link.split('#')[0]!))))
  const wanted = documentationPages().filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
  assert.deepEqual(
    wanted.filter((page) => !reached.has(page)),
    [],
  )
})

test('the site takes nothing in a page for HTML or for an expression', () => {
  for (const page of pages) {
    const hazards = [...textOf(page).matchAll(/\{\{.*|<(?!!--|br>|\/?[a-z]+:)[A-Za-z/][^>\n]*>?/g)].map(
      ([hazard]) => hazard,
    )
    assert.deepEqual(hazards, [], page)
  }
})

test('the checks refuse what they should', () => {
  assert.match(fault('README.md', 'docs/nowhere.md') ?? '', /there is no docs\/nowhere.md/)
  assert.match(fault('README.md', 'docs/reasons.md#nowhere') ?? '', /no heading/)
  assert.equal(fault('README.md', 'docs/reasons.md#no-pools'), undefined)
})
