/** Components that come from npm: what of node_modules is in the bundles, with versions, licences and their texts. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TarEntry } from '../runtime/tar.ts'
import { type Component, fileEntry } from './component.ts'

const ROOT = join(import.meta.dirname, '..')
/** A path's package: the folder after its last `node_modules/`, with its scope. */
const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/

interface PackageFile {
  readonly name: string
  readonly version: string
  readonly license?: string
}

/** The packages that files lie in, each once, sorted by name. */
export function npmComponents(paths: readonly string[]): Component[] {
  const folders = new Set(paths.map((path) => PACKAGE.exec(path)![0]))
  return [...folders].sort().map((folder) => npmComponent(folder))
}

/**
 * @param folder `node_modules/NAME`, relative to the project's folder
 * @param files what of it lies in the image as it is; else it is bundled
 */
export function npmComponent(
  folder: string,
  files: readonly TarEntry[] = [],
  inside: readonly Component[] = [],
): Component {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as PackageFile
  if (typeof license !== 'string') throw new Error(`${folder}/package.json names no licence`)
  const text = licenceText(join(ROOT, folder))
  return {
    kind: 'library',
    ...{ name, version, licence: license, inside },
    url: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    files: [...files, fileEntry(`licenses/npm/${name}@${version}/LICENSE`, text)],
  }
}

/** The package's own file, or its README's section. */
function licenceText(folder: string): Buffer {
  const find = (pattern: RegExp) => readdirSync(folder).find((name) => pattern.test(name))
  const own = find(/^(un)?(licen[cs]e|copying)/i)
  if (own !== undefined) return readFileSync(join(folder, own))
  const readme = find(/^readme/i)
  const section = readme && LICENCE_SECTION.exec(readFileSync(join(folder, readme), 'utf8'))?.[1]
  if (!section) throw new Error(`${folder} has no text of its licence, without which it must not be passed on`)
  return Buffer.from(section)
}

/** A heading in either way of Markdown; a section without a notice of copyright is no licence's text. */
const LICENCE_SECTION = /^#* *Licen[cs]e\n[-=\n]*([^#]*Copyright[^#]*)/im
