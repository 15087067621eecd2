/** The browser that tests drive, and a font for it: where `build/packages.ts` unpacks them. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findProgram, libraryFolders, packagesFolder } from '../packages.ts'

/** Chromium without windows, and without most of what a desktop needs. */
export const BROWSER_PACKAGES = ['chromium-headless-shell', 'fonts-dejavu-core'] as const

const PROGRAM = 'chromium-headless-shell'
/** In front of `usr/bin`, where a script looks for the program in its installed place. */
const PLACES = ['usr/lib/chromium']

/** Full path of the browser; throws, with the remedy, where it is not there. */
export function browserProgram(): string {
  const path = findProgram(packagesFolder(BROWSER_PACKAGES), PROGRAM, PLACES)
  if (path === undefined) throw new Error(`${PROGRAM} is not there: run \`node build/packages.ts\``)
  return path
}

export function missingBrowser(): string[] {
  return findProgram(packagesFolder(BROWSER_PACKAGES), PROGRAM, PLACES) === undefined ? [PROGRAM] : []
}

/** Environment in which the unpacked browser finds its libraries and fonts. @param folder for what it caches */
export function browserEnvironment(folder: string): NodeJS.ProcessEnv {
  const unpacked = packagesFolder(BROWSER_PACKAGES)
  // Some packages have their libraries in a folder of their own beside the others.
  const libraries = libraryFolders(unpacked)
    .flatMap((path) => [path, join(path, 'pulseaudio')])
    .filter(existsSync)
  const fonts = join(folder, 'fonts.conf')
  mkdirSync(folder, { recursive: true })
  const folders = [join(unpacked, 'usr/share/fonts'), '/usr/share/fonts'].map((path) => `<dir>${path}</dir>`)
  writeFileSync(fonts, `<fontconfig>${folders.join('')}<cachedir>${join(folder, 'fonts')}</cachedir></fontconfig>\n`)
  return {
    ...process.env,
    ...(libraries.length > 0 && { LD_LIBRARY_PATH: libraries.join(delimiter) }),
    FONTCONFIG_FILE: fonts,
    HOME: folder,
  }
}
