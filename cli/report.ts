/** What a command has found, and the forms that `-o` gives it. */
import { stringify } from 'yaml'

export const FORMATS = ['text', 'wide', 'json', 'yaml'] as const
export type Format = (typeof FORMATS)[number]

/** What a piece of text is; the terminal decides how it looks. */
export type Shade = 'bad' | 'doubtful' | 'good' | 'strong'
export type Paint = (shade: Shade, text: string) => string
export const UNPAINTED: Paint = (_, text) => text

export interface TextStyle {
  readonly paint: Paint
  /** `-o wide`: nothing is left out for brevity. */
  readonly isWide: boolean
}

export interface Report {
  /** The documented shape (docs/cli.md) of `-o json` and `-o yaml`; a bigint becomes a whole number. */
  readonly value: object
  /** For people; ends with a line break. */
  readonly text: (style: TextStyle) => string
  /** 0 = nothing is wrong, 1 = the command found what it looks for. */
  readonly exitCode: 0 | 1
}

export function rendered(report: Report, format: Format, paint: Paint): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(report.value, exactIntegers, 2)}\n`
    case 'yaml':
      return stringify(report.value, { lineWidth: 0, aliasDuplicateObjects: false })
    default:
      return report.text({ paint, isWide: format === 'wide' })
  }
}

/** ECMA-262 `JSON.rawJSON`, which the library types do not know yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

/** Counters go up to 2^63 - 1: as numbers they would lose their last digits. */
function exactIntegers(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJSON(String(value)) : value
}

/** Columns under their headings, as kubectl writes them. The last column may be of any width. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]!)))
    return `${padded.join('   ').trimEnd()}\n`
  }
  return [headings, ...rows].map(line).join('')
}

/** `1 problem`, `2 problems`; thousands are grouped. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? singular : plural}`
}
