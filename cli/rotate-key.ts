/**
 * `invarctl rotate-key`: another key for the speakers, without a moment in which two of them do not understand each
 * other. First all accept the new key and sign with the old one; then they sign with the new one and accept the old
 * one; then the old one goes. The Secret says how far it has come, so a run that was stopped is simply run again.
 */
import { randomBytes } from 'node:crypto'
import { SECRETS, type Secret } from '../operator/index.ts'
import { sleep, systemClock } from '../runtime/clock.ts'
import { CannotRun } from './cannot-run.ts'
import { installNamespace } from './cluster-state.ts'
import type { RotateKeyFlags } from './commands/program.ts'
import { asking, type Connection, connect } from './connection.ts'
import type { Report } from './report.ts'

const KEY_BYTES = 16
const NEXT = 'secretkey.next'
const PREVIOUS = 'secretkey.previous'
const MAX_WAIT_SECONDS = 3_600

/** What is to be merged into the entries of the Secret; null removes one. */
export interface RotationStep {
  readonly about: string
  readonly data: Readonly<Record<string, string | null>>
  readonly isLast: boolean
}

export interface RotateKeyAnswer {
  readonly secret: { readonly namespace: string; readonly name: string }
  /** What was done, in words. */
  readonly steps: readonly string[]
}

/** The step that follows on these entries (base64, as the API server has them). Pure but for the new key. */
export function nextStep(data: Readonly<Record<string, string>>, newKey: () => string): RotationStep {
  const { secretkey = '', [NEXT]: next, [PREVIOUS]: previous } = data
  if (next !== undefined) {
    const swapped = { secretkey: next, [NEXT]: null, [PREVIOUS]: secretkey }
    return { about: 'speakers sign with the new key, and accept the old one', data: swapped, isLast: false }
  }
  if (previous !== undefined) {
    return { about: 'speakers accept the new key alone', data: { [PREVIOUS]: null }, isLast: true }
  }
  return { about: 'speakers accept a new key, and sign with the old one', data: { [NEXT]: newKey() }, isLast: false }
}

export async function runRotateKey(flags: Omit<RotateKeyFlags, 'output'>): Promise<Report> {
  const waitSeconds = Number(flags.wait)
  if (!Number.isInteger(waitSeconds) || waitSeconds < 0 || waitSeconds > MAX_WAIT_SECONDS) {
    throw new CannotRun(`--wait ${flags.wait} is no time to wait`, `write seconds, 0 to ${MAX_WAIT_SECONDS}`)
  }
  const connection = connect(flags)
  try {
    return await asking(connection, () => rotate(connection, flags.secret, waitSeconds))
  } finally {
    connection.client.close()
  }
}

async function rotate(connection: Connection, name: string, waitSeconds: number): Promise<Report> {
  const target = { namespace: await installNamespace(connection), name }
  const steps: string[] = []
  for (;;) {
    const step = await take(connection, target)
    steps.push(step.about)
    process.stderr.write(`${step.about}\n`)
    if (step.isLast) break
    await sleep(systemClock, waitSeconds * 1000)
  }
  const text = `The key in Secret ${target.namespace}/${name} is another one.\n`
  const value: RotateKeyAnswer = { secret: target, steps }
  return { value, text: () => text, exitCode: 0 }
}

async function take(
  { client }: Connection,
  target: { readonly namespace: string; readonly name: string },
): Promise<RotationStep> {
  const secret: Secret = await client.get(SECRETS, target)
  if (secret.data?.secretkey === undefined) {
    throw new CannotRun(`Secret ${target.namespace}/${target.name} has no secretkey`, 'name another one with --secret')
  }
  const step = nextStep(secret.data, newKey)
  // With the version: two that rotate at once must not mix their steps.
  const { resourceVersion } = secret.metadata
  await client.patch(SECRETS, target, { metadata: { resourceVersion }, data: step.data })
  return step
}

/** As the controller makes it: 16 random bytes in unpadded base64; the API server wants that in base64 again. */
function newKey(): string {
  const text = randomBytes(KEY_BYTES).toString('base64').replace(/=+$/, '')
  return Buffer.from(text).toString('base64')
}
