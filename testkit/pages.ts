/** The documentation as tests read it: pages, and the blocks of code in them. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/** One fenced block. Its info string is the language, then words for the tests: see {@link WORDS}. */
export interface Block {
  /** Path of the page from the root of the repository. */
  readonly page: string
  /** Of the opening fence, from 1. */
  readonly line: number
  readonly language: string
  readonly words: readonly string[]
  readonly text: string
}

/**
 * What may stand behind the language of a block.
 *
 * - `sh run`: run by docs/docs.cluster.test.ts, in the order of the page; `sh` alone: not run, for a reason that
 *   docs/blocks.test.ts holds.
 * - `text output`: what the `sh run` block before it prints; `…` stands for anything.
 * - `yaml values`: values of the chart; `yaml finds=RULE`: `invarctl lint` finds just this; `yaml` alone: it finds nothing.
 */
export const WORDS: Readonly<Record<string, RegExp>> = {
  sh: /^run$/,
  text: /^output$/,
  yaml: /^(values|finds=[a-z-]+)$/,
}

/** All pages that users read, by path; decisions (docs/adr) are for those who work on the project. */
export function documentationPages(): readonly string[] {
  const pages = globSync('docs/**/*.md', { cwd: ROOT }).filter((path) => !path.startsWith('docs/adr/'))
  return ['README.md', 'SECURITY.md', ...pages.sort()]
}

/** Pages beside those, which they may link to. */
export function furtherPages(): readonly string[] {
  return [...globSync('*.md', { cwd: ROOT }), ...globSync('docs/adr/*.md', { cwd: ROOT })].sort()
}

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = []
  const fences = /^( *)```([^\n`]*)\n(.*?)^\1```$/gms
  const text = readPage(page)
  for (const match of text.matchAll(fences)) {
    const [language = '', ...words] = match[2]!.trim().split(/\s+/)
    const line = text.slice(0, match.index).split('\n').length
    blocks.push({ page, line, language, words, text: match[3]!.replaceAll(new RegExp(`^${match[1]}`, 'gm'), '') })
  }
  return blocks
}

/** YAML that a shell block hands to a command: `<<YAML` … `YAML`. */
export function heredocsOf(block: Block): readonly string[] {
  return [...block.text.matchAll(/<<'?YAML'?.*\n([\s\S]*?)^YAML$/gm)].map((match) => match[1]!)
}

/** `docs/install.md:12`. */
export function placeOf({ page, line }: Block): string {
  return `${page}:${line}`
}

/** A page without its code. */
export function textOf(page: string): string {
  return readPage(page)
    .replaceAll(/^( *)```.*?^\1```$/gms, '')
    .replaceAll(/`[^`]*`/g, '')
}

/** Where the links and pictures of a page lead, as written there. */
export function linksOf(page: string): readonly string[] {
  return [...textOf(page).matchAll(/\]\(<?([^)\s>]+)>?\)|(?:src|href|srcset)="([^"]+)"/g)].map(
    ([, link, source]) => link ?? source!,
  )
}

/** Anchors of the headings of a page, as GitHub and the site make them; a repeated one gets a number. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const text = readPage(page).replaceAll(/^( *)```.*?^\1```$/gms, '')
  const anchors = new Set<string>()
  for (const [, heading] of text.matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const slug = slugOf(heading!)
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

/** As GitHub and the site make an anchor of a heading. */
export function slugOf(heading: string): string {
  const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  return words
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-')
}
