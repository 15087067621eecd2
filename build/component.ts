/** What an image is made of: each file belongs to one component, which has a version and a licence. */
import type { TarEntry } from '../runtime/tar.ts'

export interface Component {
  readonly kind: 'application' | 'platform' | 'library'
  readonly name: string
  /** Unknown where a library of the machine belongs to no package. */
  readonly version?: string
  /** SPDX licence expression. */
  readonly licence?: string
  /** Package URL, by which scanners look up what is known of it: `pkg:npm/ajv@8.20.0`. */
  readonly url?: string
  /** In the image; a component that is bundled or linked into another has its licence's text alone. */
  readonly files: readonly TarEntry[]
  /** Components that are inside this one's files. */
  readonly inside: readonly Component[]
}

export function fileEntry(path: string, content: Uint8Array, mode = 0o644): Extract<TarEntry, { kind: 'file' }> {
  return { kind: 'file', path, content, mode }
}

/** The components and all that is inside them, outermost first. */
export function allOf(components: readonly Component[]): Component[] {
  return components.flatMap((component) => [component, ...allOf(component.inside)])
}
