/**
 * Looks through the built site: every link within it leads to a page or file, and to an anchor of it. `make site` runs
 * this after the generator, which checks pages and not anchors. Prints how many it followed.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { asProgram, Missing } from './progress.ts'

const SITE = join(import.meta.dirname, '../site/dist')

interface Page {
  readonly anchors: ReadonlySet<string>
  /** Within the site. */
  readonly links: readonly string[]
}

/** Names of attributes and their values, as the generator writes them. */
export function pageOf(html: string): Page {
  const values = (name: string) =>
    [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value]) => value!)
  const links = [...values('href'), ...values('src')].filter((link) => !/^(?:[a-z]+:|\/\/)/.test(link))
  return { anchors: new Set(values('id')), links: links.map((link) => link.replaceAll('&amp;', '&')) }
}

/** What leads nowhere, one line each. `isThere` knows the files of the site. */
export function faultsOf(pages: ReadonlyMap<string, Page>, isThere: (file: string) => boolean): readonly string[] {
  return [...pages].flatMap(([name, { links }]) =>
    links.flatMap((link) => {
      const [path = '', anchor = ''] = decodeURI(link).split('#')
      const target = targetOf(name, path)
      if (!isThere(target)) return [`${name}: ${link} leads nowhere`]
      const isAnchored = anchor === '' || pages.get(target)?.anchors.has(anchor) !== false
      return isAnchored ? [] : [`${name}: ${target} has no #${anchor}`]
    }),
  )
}

function targetOf(page: string, path: string): string {
  if (path === '') return page
  const target = path.startsWith('/') ? path.slice(1) : join(dirname(page), path)
  return target === '' || target.endsWith('/') ? join(target, 'index.html') : target
}

async function main(): Promise<void> {
  const names = globSync('**/*.html', { cwd: SITE })
  if (names.length === 0) throw new Missing('site/dist holds no page: run `make site`')
  const pages = new Map(names.map((name) => [name, pageOf(readFileSync(join(SITE, name), 'utf8'))]))
  const faults = faultsOf(pages, (file) => existsSync(join(SITE, file)))
  const followed = [...pages.values()].reduce((sum, { links }) => sum + links.length, 0)
  console.log(`${pages.size} pages, ${followed} links followed`)
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

if (import.meta.main) await asProgram(main)
