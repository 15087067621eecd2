/** Programs that people look at a segment with, or run on one: where `build/packages.ts` unpacks them. */
import { delimiter, join } from 'node:path'
import { findProgram, libraryFolders, packagesFolder } from './packages.ts'

export const SEGMENT_PACKAGES = ['arp-scan', 'keepalived'] as const

type SegmentProgram = (typeof SEGMENT_PACKAGES)[number]

/** Full path of a program; throws, with the remedy, where it is not there. */
export function segmentProgram(name: SegmentProgram): string {
  const path = findProgram(folder(), name)
  if (path === undefined) throw new Error(`${name} is not there: run \`node build/packages.ts\``)
  return path
}

/** Names of programs that are neither unpacked nor installed. */
export function missingSegmentPrograms(): string[] {
  return SEGMENT_PACKAGES.filter((name) => findProgram(folder(), name) === undefined)
}

/** Environment in which the unpacked programs find their libraries. */
export function segmentEnvironment(): NodeJS.ProcessEnv {
  const libraries = libraryFolders(folder())
  return { ...process.env, ...(libraries.length > 0 && { LD_LIBRARY_PATH: libraries.join(delimiter) }) }
}

/** A file that arp-scan wants to read, of its own package. */
export function arpScanFile(name: string): string {
  return join(folder(), 'usr/share/arp-scan', name)
}

function folder(): string {
  return packagesFolder(SEGMENT_PACKAGES)
}
