/** The site: README.md as its first page, docs/, and the pages at the root of the repository, as they stand. */
import { cpSync, existsSync, globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { defineConfig } from 'vitepress'
import { documentationPages, linksOf, slugOf } from '../../testkit/pages.ts'

const ROOT = join(import.meta.dirname, '../..')
/** What is no page and still linked to: configurations of routers, dashboards. Pictures are the generator's business. */
const FILES = [
  ...new Set(documentationPages().flatMap((page) => linksOf(page).map((link) => join(dirname(page), link)))),
]
  .filter((path) => /\.[a-z]+$/.test(path) && !/\.(?:md|svg|png)$/.test(path))
  .filter((path) => existsSync(join(ROOT, path)))
/** The page of a folder: README.md in the repository, index.md on the site. */
const FRONT_PAGES = ['README.md', 'docs/README.md', 'docs/routers/README.md']

export default defineConfig({
  title: 'Invar',
  description: 'Load balancer addresses for Kubernetes on your own network',
  lang: 'en',
  srcDir: '..',
  srcExclude: globSync('*/', { cwd: ROOT })
    .filter((folder) => folder !== 'docs')
    .map((folder) => `${folder}/**`),
  rewrites: Object.fromEntries(FRONT_PAGES.map((page) => [page, page.replace('README', 'index')])),
  outDir: './dist',
  cleanUrls: false,
  // As the pictures do: light or dark as the reader's system is.
  appearance: 'force-auto',
  // They are copied at the end; build/site.ts looks at what is there then.
  ignoreDeadLinks: [/\.conf$/],
  head: [['meta', { name: 'theme-color', content: '#0b6bcb' }]],
  markdown: {
    anchor: { slugify: slugOf },
    theme: { light: 'github-light', dark: 'github-dark' },
    // Braces in code are what they are, and no expressions of the generator.
    config: (markdown) => {
      markdown.renderer.rules.code_inline = (tokens, index, _options, _env, renderer) => {
        const token = tokens[index]!
        return `<code v-pre${renderer.renderAttrs(token)}>${markdown.utils.escapeHtml(token.content)}</code>`
      }
      markdown.core.ruler.push('front-pages', ({ tokens }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const target = token.attrGet('href')
          if (token.type === 'link_open' && target !== null) {
            token.attrSet('href', onSite(target))
          }
        }
      })
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/docs/start' },
      { text: 'Documentation', link: '/docs/' },
      { text: 'Reasons', link: '/docs/reasons' },
    ],
    sidebar: [
      section('Begin', { install: 'Install', start: 'Five-minute start', concepts: 'Concepts' }),
      section('Use', {
        'resources/service': 'Service',
        'resources/ipaddresspool': 'IPAddressPool',
        'resources/l2advertisement': 'L2Advertisement',
        'resources/bgpadvertisement': 'BGPAdvertisement',
        'resources/bgppeer': 'BGPPeer',
        'resources/bfdprofile': 'BFDProfile',
        'resources/community': 'Community',
        'resources/status': 'Status',
        'routers/index': 'Routers',
        'routers/others': 'Other routers',
      }),
      section('Run', {
        operations: 'Operations',
        troubleshooting: 'Troubleshooting',
        reasons: 'Reasons',
        metrics: 'Metrics',
        cli: 'Command line',
        values: 'Values of the chart',
        flags: 'Flags',
        security: 'Security',
      }),
      section('Decide', {
        performance: 'Performance',
        comparison: 'Comparison',
        parity: 'Parity with MetalLB',
        interop: 'Interoperation',
        'migrate-from-metallb': 'From MetalLB',
        'migrate-from-kube-vip': 'From kube-vip',
        'migrate-from-servicelb': 'From K3s ServiceLB',
      }),
      {
        text: 'Understand',
        items: [
          { text: 'Architecture', link: '/ARCHITECTURE' },
          { text: 'RFC notes', link: '/docs/rfc-notes' },
          { text: 'Dependencies', link: '/docs/dependencies' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
          { text: 'Changelog', link: '/CHANGELOG' },
          decisions(),
        ],
      },
    ],
  },
  buildEnd: ({ outDir }) => {
    for (const file of FILES) cpSync(join(ROOT, file), join(outDir, file), { recursive: true })
  },
})

/** A folder has a page on the site: its README, and for the decisions the first of them. */
function onSite(target: string): string {
  return target.replace(/(^|\/)README\.md(?=#|$)/, '$1index.md').replace(/(^|\/)adr\/?$/, '$1adr/0001-wire-thread.md')
}

/** Path below docs/, without its ending → what the sidebar calls it. Pages that are not there yet are left out. */
function section(text: string, pages: Readonly<Record<string, string>>) {
  const there = new Set(
    globSync('docs/**/*.md', { cwd: ROOT }).map((path) =>
      path.slice('docs/'.length, -'.md'.length).replace(/README$/, 'index'),
    ),
  )
  const items = Object.entries(pages).filter(([path]) => there.has(path))
  return { text, items: items.map(([path, title]) => ({ text: title, link: `/docs/${path}` })) }
}

function decisions() {
  const files = globSync('docs/adr/*.md', { cwd: ROOT }).sort()
  const items = files.map((file) => {
    const name = file.slice(dirname(file).length + 1, -'.md'.length)
    return { text: name.replace(/^0*(\d+)-/, '$1 ').replaceAll('-', ' '), link: `/${file.slice(0, -'.md'.length)}` }
  })
  return { text: 'Decisions', collapsed: true, items }
}
