/** Components that come from Debian packages: the shared libraries, and the C library that the launchers are linked with. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Component, fileEntry } from './component.ts'
import type { DebianPackage, LibrarySource, SharedLibrary } from './libraries.ts'

/** Of packages that the image has files of; Debian's copyright files, which are in the image too, are no expressions. */
const LICENCES: Readonly<Record<string, string>> = {
  libc6: 'LGPL-2.1-or-later',
  'libc6-dev': 'LGPL-2.1-or-later',
  'libgcc-s1': 'GPL-3.0-or-later WITH GCC-exception-3.1',
  'libstdc++6': 'GPL-3.0-or-later WITH GCC-exception-3.1',
  libatomic1: 'GPL-3.0-or-later WITH GCC-exception-3.1',
}

/** One a package, sorted by name; a library of no package is a component of its own. */
export function debianComponents(libraries: readonly SharedLibrary[], source: LibrarySource): Component[] {
  const groups = Map.groupBy(libraries, (library) => library.package?.name ?? library.path)
  const components = [...groups].map(([name, members]) => {
    const files = members.map(({ path, content }) => fileEntry(path, content, 0o755))
    const owner = members[0]!.package
    if (owner === undefined) return { kind: 'library', name, files, inside: [] } as const
    return debianComponent(owner, [...files, ...copyrightOf(owner, source)])
  })
  return components.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** A package of which something is linked into a program: it has no files of its own. */
export function debianComponent(owner: DebianPackage, files: Component['files'] = []): Component {
  const { name, version, architecture } = owner
  const licence = LICENCES[name.replace(/-\w+-cross$/, '')]
  return {
    kind: 'library',
    ...{ name, version, files, inside: [] },
    ...(licence !== undefined && { licence }),
    url: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}${distribution()}`,
  }
}

/** Scanners look packages up by it. */
function distribution(): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(release)?.[1]
  return field('ID') === 'debian' ? `&distro=debian-${field('VERSION_ID')}` : ''
}

function copyrightOf({ name }: DebianPackage, { root }: LibrarySource): Component['files'] {
  const path = join(root, '/usr/share/doc', name, 'copyright')
  return existsSync(path) ? [fileEntry(`licenses/debian/${name}/copyright`, readFileSync(path))] : []
}
