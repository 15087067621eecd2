/** Runs `invarctl` in the container of a speaker, as `kubectl exec` would, and reads what it prints. */
import { Writable } from 'node:stream'
import type { V1Status } from '@kubernetes/client-node'
import { Exec } from '@kubernetes/client-node/dist/exec.js'
import { type KubeConfigSource, loadKubeConfig } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { CannotRun } from './cannot-run.ts'

export interface SpeakerPod {
  readonly namespace: string
  readonly name: string
}

interface Ended {
  readonly out: string
  readonly err: string
  readonly status: V1Status
}

/** @throws CannotRun */
export async function runInSpeaker(
  source: KubeConfigSource,
  pod: SpeakerPod,
  args: readonly string[],
  limitMs: number,
): Promise<unknown> {
  const { out, err, status } = await run(source, pod, ['invarctl', ...args], limitMs)
  // It ends with 1 where it found what it looks for; then that is what it printed.
  if (status.status !== 'Success' && out === '') {
    const said = err.trim() || status.message || 'no reason given'
    throw new CannotRun(`the speaker in Pod ${pod.namespace}/${pod.name} did not answer`, said)
  }
  return JSON.parse(out)
}

async function run(
  source: KubeConfigSource,
  { namespace, name }: SpeakerPod,
  command: readonly string[],
  limitMs: number,
): Promise<Ended> {
  const [out, err] = [new Collected(), new Collected()]
  const ended = Promise.withResolvers<V1Status>()
  const limit = systemClock.setTimeout(() => ended.reject(new Error(`no answer in ${limitMs} ms`)), limitMs)
  try {
    const exec = new Exec(loadKubeConfig(source))
    const socket = await exec.exec(namespace, name, 'speaker', [...command], out, err, null, false, ended.resolve)
    socket.onclose = () => ended.reject(new Error('the connection was closed'))
    const status = await ended.promise
    socket.close()
    return { out: out.text, err: err.text, status }
  } catch (error) {
    const remedy = 'you need the right to create pods/exec there; --local asks on the node itself'
    throw new CannotRun(`cannot run a command in Pod ${namespace}/${name} (${reasonOf(error)})`, remedy, error)
  } finally {
    systemClock.clearTimeout(limit)
  }
}

/**
 * Runs a program that goes on, and hands over what it prints, a line at a time, until it ends or the signal aborts.
 * @returns why it ended, where that was a failure
 */
export async function streamFromSpeaker(
  source: KubeConfigSource,
  { namespace, name }: SpeakerPod,
  args: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [out, err] = [new Lines(onLine), new Collected()]
  const ended = Promise.withResolvers<string | undefined>()
  try {
    const exec = new Exec(loadKubeConfig(source))
    const command = ['invarctl', ...args]
    const socket = await exec.exec(
      namespace,
      name,
      'speaker',
      command,
      out,
      err,
      null,
      false,
      ({ status, message }) => {
        ended.resolve(status === 'Success' ? undefined : err.text.trim() || message || 'it ended without a reason')
      },
    )
    socket.onclose = () => ended.resolve('the connection was closed')
    socket.onerror = () => ended.resolve('the connection was cut')
    const close = () => socket.close()
    signal.addEventListener('abort', close)
    if (signal.aborted) close()
    const because = await ended.promise
    signal.removeEventListener('abort', close)
    socket.close()
    return signal.aborted ? undefined : because
  } catch (error) {
    return reasonOf(error)
  }
}

/** What was written, cut where lines end. */
class Lines extends Writable {
  #rest = ''
  readonly #onLine: (line: string) => void

  constructor(onLine: (line: string) => void) {
    super()
    this.#onLine = onLine
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    const lines = (this.#rest + chunk.toString()).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) if (line !== '') this.#onLine(line)
    done()
  }
}

class Collected extends Writable {
  text = ''

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** A socket that is refused rejects with an event instead of an error. */
export function reasonOf(error: unknown): string {
  const { message } = error as { readonly message?: string }
  return message ?? String(error)
}
