/** Reporter of the test stages: failures and skips by name as they come, and the sums as JSON in a file. */
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

interface Reported {
  readonly name: string
  readonly file?: string | undefined
  readonly nesting: number
  readonly skip?: string | boolean | undefined
  readonly details: { readonly type?: string | undefined; readonly error?: Error | undefined }
}

/** Where build/test.ts expects the sums. */
export const COUNTS_FILE = 'INVAR_TEST_COUNTS'

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0
  let failed = 0
  let skipped = 0
  for await (const event of events) {
    if (event.type === 'test:stderr' || event.type === 'test:stdout') yield event.data.message
    if (event.type === 'test:pass' && !isSuite(event.data)) {
      if (event.data.skip === undefined) passed += 1
      else {
        skipped += 1
        yield `skipped: ${where(event.data)}: ${event.data.skip || 'no reason given'}\n`
      }
    }
    if (event.type === 'test:fail' && isOwnFailure(event.data)) {
      failed += 1
      yield `\nFAILED: ${where(event.data)}\n${inspect(causeOf(event.data.details.error), { depth: 6 })}\n\n`
    }
  }
  const counts: Counts = { passed, failed, skipped }
  const path = process.env[COUNTS_FILE]
  if (path !== undefined) writeFileSync(path, JSON.stringify(counts))
}

function isSuite({ details }: Reported): boolean {
  return details.type === 'suite'
}

/** A suite, or a file, also "fails" when a test in it does: that would count the failure twice. */
function isOwnFailure({ details }: Reported): boolean {
  const failure = details.error as { readonly failureType?: string } | undefined
  return failure?.failureType !== 'subtestsFailed'
}

/** The runner wraps what a test threw. */
function causeOf(error: Error | undefined): unknown {
  return error?.cause ?? error
}

function where({ file, name }: Reported): string {
  return file === undefined ? name : `${relative(process.cwd(), file)}: ${name}`
}
