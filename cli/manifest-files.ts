/** The files that `-f` names. */
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CannotRun } from './cannot-run.ts'
import { type ManifestObject, parseManifest } from './manifest.ts'

export interface Manifests {
  readonly objects: readonly ManifestObject[]
  readonly files: number
  /** Documents that are no Kubernetes objects. */
  readonly others: number
}

/**
 * Reads files, folders (with all that is in them: *.yaml, *.yml, *.json) and, for `-`, standard input.
 * @throws CannotRun where one is missing, or its YAML is broken
 */
export function readManifests(names: readonly string[]): Manifests {
  const files = names.flatMap(filesOf)
  const parsed = files.map((file) => {
    const manifest = parseManifest(textOf(file), file)
    if (manifest.kind === 'objects') return manifest
    throw new CannotRun(`${file}:${manifest.line} is not YAML (${manifest.message})`, 'correct it, then run this again')
  })
  return {
    objects: parsed.flatMap(({ objects }) => objects),
    files: files.length,
    others: parsed.reduce((sum, { others }) => sum + others, 0),
  }
}

function filesOf(name: string): readonly string[] {
  if (name === '-') return [name]
  if (!onDisk(name, () => statSync(name)).isDirectory()) return [name]
  const entries = onDisk(name, () => readdirSync(name, { recursive: true, withFileTypes: true }))
  const found = entries.filter(isManifest).map(({ parentPath, name: file }) => join(parentPath, file))
  if (found.length === 0) throw new CannotRun(`there is no *.yaml, *.yml or *.json in ${name}`, 'name another folder')
  return found.sort()
}

function isManifest(entry: Dirent): boolean {
  return !entry.isDirectory() && /\.(ya?ml|json)$/.test(entry.name)
}

const STANDARD_INPUT = 0

function textOf(file: string): string {
  return onDisk(file, () => readFileSync(file === '-' ? STANDARD_INPUT : file, 'utf8'))
}

function onDisk<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new CannotRun(`there is no file or folder ${name}`, 'check what follows -f', error)
    throw new CannotRun(`cannot read ${name} (${message})`, 'check what follows -f', error)
  }
}
