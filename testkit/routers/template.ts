/**
 * The examples in docs/routers are templates: comment lines with a word in brackets say which lines a feature needs,
 * and `{{…}}` is filled in. So what the tests run is what the documentation shows.
 *
 *     # [each neighbors]           the lines up to [end], once for each
 *     # [if password] any text     the lines up to [end], where the value is there; [unless password]: where it is not
 */
import assert from 'node:assert/strict'

/** Values of a template; an inner one, `false` included, hides an outer one of the same name. */
export interface Values {
  readonly [name: string]: string | number | boolean | undefined | Values | readonly Values[]
}

const DIRECTIVE = /^\s*[!#] \[(if|unless|each|end)(?: ([\w.]+))?\]/
const PLACEHOLDER = /\{\{([\w.]+)\}\}/g

/** The example with its values; throws where a placeholder has none. */
export function fillIn(template: string, values: Values): string {
  return render(template.split('\n'), [values]).join('\n')
}

/** False: the example does the same with and without that value. */
export function mentions(template: string, name: string): boolean {
  return new RegExp(`(\\{\\{|\\[if |\\[unless |\\[each )${name}\\b`).test(template)
}

function render(lines: readonly string[], scopes: readonly Values[]): string[] {
  const out: string[] = []
  for (let index = 0; index < lines.length; index += 1) {
    const [, word, path] = DIRECTIVE.exec(lines[index]!) ?? []
    if (word === undefined) {
      out.push(lines[index]!.replace(PLACEHOLDER, (_, name: string) => text(name, scopes)))
      continue
    }
    const end = endOf(lines, index)
    for (const inner of scopesOf(word, path!, scopes)) out.push(...render(lines.slice(index + 1, end), inner))
    index = end
  }
  return out
}

/** The scopes in which a block is rendered, once each. */
function scopesOf(word: string, path: string, scopes: readonly Values[]): (readonly Values[])[] {
  const value = find(path, scopes)
  if (word === 'each') return ((value ?? []) as readonly Values[]).map((item) => [item, ...scopes])
  const isThere = value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)
  return isThere === (word === 'if') ? [scopes] : []
}

function endOf(lines: readonly string[], start: number): number {
  let depth = 0
  for (let index = start; index < lines.length; index += 1) {
    const word = DIRECTIVE.exec(lines[index]!)?.[1]
    if (word !== undefined) depth += word === 'end' ? -1 : 1
    if (depth === 0) return index
  }
  throw new Error(`no [end] for: ${lines[start]}`)
}

function text(path: string, scopes: readonly Values[]): string {
  const value = find(path, scopes)
  assert(typeof value === 'string' || typeof value === 'number', `no value for {{${path}}}`)
  return String(value)
}

function find(path: string, scopes: readonly Values[]): Values[string] {
  const [name, ...rest] = path.split('.')
  let value = scopes.find((scope) => scope[name!] !== undefined)?.[name!]
  for (const part of rest) value = value === false ? false : (value as Values | undefined)?.[part]
  return value
}
