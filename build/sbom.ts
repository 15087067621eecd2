/**
 * The software bill of materials of an image: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json. Every file of the image
 * stands below the component that it belongs to.
 */
import { createHash } from 'node:crypto'
import type { TarEntry } from '../runtime/tar.ts'
import type { Component } from './component.ts'

export interface SbomOptions {
  /** Full reference of the image, without its tag. */
  readonly image: string
  readonly version: string
  /** `linux/amd64` */
  readonly platform: string
  readonly components: readonly Component[]
  /** Seconds since 1970; left out where the build is of no commit. */
  readonly createdAt?: number
}

/** The document; the same components give the same bytes. */
export function sbom({ image, version, platform, components, createdAt }: SbomOptions): string {
  const subject = {
    type: 'container',
    'bom-ref': 'image',
    ...{ name: image, version },
    properties: [{ name: 'invar:platform', value: platform }],
  }
  const content = {
    metadata: {
      ...(createdAt !== undefined && { timestamp: new Date(createdAt * 1000).toISOString() }),
      component: subject,
    },
    components: components.map(describe),
    dependencies: dependencies(components),
  }
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(content))}`
  const document = { bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber, version: 1, ...content }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

function describe(component: Component): object {
  const { kind, name, version, licence, url, files, inside } = component
  const parts = [...inside.map(describe), ...files.filter(({ kind: each }) => each !== 'directory').map(describeFile)]
  return {
    type: kind,
    'bom-ref': referenceOf(component),
    name,
    ...(version !== undefined && { version }),
    ...(licence !== undefined && { licenses: [licenceChoice(licence)] }),
    ...(url !== undefined && { purl: url }),
    ...(parts.length > 0 && { components: parts }),
  }
}

/** Full path; a link has no content to take a digest of. */
function describeFile(entry: TarEntry): object {
  const described = { type: 'file', name: `/${entry.path}` }
  if (entry.kind !== 'file') return described
  return {
    ...described,
    hashes: [{ alg: 'SHA-256', content: createHash('sha256').update(entry.content).digest('hex') }],
  }
}

/** One licence goes by its identifier, several or one with an exception are an expression. */
function licenceChoice(licence: string): object {
  return licence.includes(' ') ? { expression: licence } : { license: { id: licence } }
}

function referenceOf({ url, name, version }: Component): string {
  return url ?? (version === undefined ? name : `${name}@${version}`)
}

/** Who needs whom: the image all of its own components; each of these what is inside it. */
function dependencies(components: readonly Component[]): object[] {
  const own = components.flatMap(function list(component): object[] {
    const below = { ref: referenceOf(component), dependsOn: component.inside.map(referenceOf) }
    return [below, ...component.inside.flatMap(list)]
  })
  return [{ ref: 'image', dependsOn: components.map(referenceOf) }, ...own]
}

/** A name-based UUID (RFC 9562, version 8): the digest, with version and variant put in. */
function uuidOf(content: string): string {
  const bytes = createHash('sha256').update(content).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
