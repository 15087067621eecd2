/** Asks the speaker of this machine, or of this container, by its socket. */
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { CannotRun } from './cannot-run.ts'

/** @throws CannotRun */
export async function askLocalSpeaker(socketPath: string, path: string, limitMs: number): Promise<unknown> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: limitMs }, resolve)
    asked.on('timeout', () => asked.destroy(new Error(`no answer in ${limitMs} ms`)))
    asked.on('error', (error) => reject(unreachable(socketPath, error)))
    asked.end()
  })
  const body = await text(answer)
  if (answer.statusCode !== 200) throw new CannotRun(`the speaker refuses: ${body.trim()}`, 'see invarctl --help')
  return JSON.parse(body)
}

function unreachable(socketPath: string, error: Error): CannotRun {
  const remedy = 'is a speaker running here with --local-socket, and are you its user or root?'
  return new CannotRun(`the speaker's socket ${socketPath} cannot be asked (${error.message})`, remedy, error)
}
