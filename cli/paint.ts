import { styleText } from 'node:util'
import type { Paint, Shade } from './report.ts'

const STYLES = { bad: 'red', doubtful: 'yellow', good: 'green', strong: 'bold' } as const satisfies Record<
  Shade,
  string
>

/** Colours on a terminal that has them, and nothing elsewhere; NO_COLOR and FORCE_COLOR are heeded. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (shade, text) => styleText(STYLES[shade], text, { stream, validateStream: true })
}
