/** The platforms that an image is made for. */
import { Missing } from './progress.ts'

/** As the Open Container Initiative names them. */
export const PLATFORMS = ['linux/amd64', 'linux/arm64'] as const
export type Platform = (typeof PLATFORMS)[number]

/** Node's name of a platform's processor. */
export const PROCESSOR: Readonly<Record<Platform, 'x64' | 'arm64'>> = { 'linux/amd64': 'x64', 'linux/arm64': 'arm64' }

/** The compiler's name of a platform, which is also that of its folders of libraries. */
export const TRIPLE: Readonly<Record<Platform, string>> = {
  'linux/amd64': 'x86_64-linux-gnu',
  'linux/arm64': 'aarch64-linux-gnu',
}

/** Debian's name of a platform's processor, and that of the registries. */
export function architectureOf(platform: Platform): string {
  return platform.slice('linux/'.length)
}

/** That of this machine. */
export function ownPlatform(): Platform {
  const platform = PLATFORMS.find((each) => PROCESSOR[each] === process.arch)
  if (platform === undefined)
    throw new Missing(`no image is made for ${process.arch}: only for ${PLATFORMS.join(', ')}`)
  return platform
}
