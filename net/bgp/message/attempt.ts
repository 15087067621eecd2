import { DecodeError } from '../../bytes/index.ts'

/** The peer's fault as a value: what was decoded, or undefined. Any other error is ours and goes on. */
export function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
