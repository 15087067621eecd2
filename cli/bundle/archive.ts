/** The files of a support archive, and how they become one. */
import { gzipSync } from 'node:zlib'
import { stringify } from 'yaml'
import { type TarEntry, tar } from '../../runtime/tar.ts'
import { redacted, SecretWords } from './redact.ts'

export interface ArchiveFile {
  /** Below the archive's folder. */
  readonly path: string
  readonly text: string
}

/** Something that should be in it and could not be had. */
export interface Missing {
  readonly what: string
  readonly because: string
}

/** Collects files; nothing secret that is known or recognised gets in. */
export class Archive {
  readonly #files: ArchiveFile[] = []
  readonly #missing: Missing[] = []
  readonly #secrets: SecretWords

  /** @param secrets values that no file may show */
  constructor(secrets: Iterable<string>) {
    this.#secrets = new SecretWords(secrets)
  }

  /** Objects of the API server, as YAML, without what is secret. */
  addObjects(path: string, objects: readonly object[]): void {
    this.#add(path, objects.map((object) => stringify(redacted(object), { lineWidth: 0 })).join('---\n'))
  }

  addJson(path: string, value: object): void {
    this.#add(path, `${JSON.stringify(redacted(withNumbers(value)), null, 2)}\n`)
  }

  addText(path: string, text: string): void {
    this.#add(path, text)
  }

  addMissing(what: string, because: string): void {
    this.#missing.push({ what, because: this.#secrets.mask(because) })
  }

  get files(): readonly ArchiveFile[] {
    return this.#files
  }

  get missing(): readonly Missing[] {
    return this.#missing
  }

  #add(path: string, text: string): void {
    this.#files.push({ path, text: this.#secrets.mask(text) })
  }
}

/** JSON has no bigint; in an archive that people read its digits do. */
function withNumbers(value: object): object {
  return JSON.parse(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)))
}

/** All in one folder, so that unpacking it makes no mess. */
export function packed(folder: string, files: readonly ArchiveFile[]): Buffer {
  const entries = files.map(({ path, text }): TarEntry => {
    return { kind: 'file', path: `${folder}/${path}`, content: Buffer.from(text) }
  })
  return gzipSync(tar(entries))
}
