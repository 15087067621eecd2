/** A TCP connection to a port of a Pod, through the API server, as `kubectl port-forward` makes one. */
import { Duplex } from 'node:stream'
import { WebSocketHandler } from '@kubernetes/client-node/dist/web-socket-handler.js'
import { type KubeConfigSource, loadKubeConfig } from '../operator/index.ts'
import { CannotRun } from './cannot-run.ts'
import { reasonOf } from './remote-speaker.ts'

export interface PodPort {
  readonly namespace: string
  readonly pod: string
  readonly port: number
}

/** Of the protocol's channels; each begins with the port's number in two bytes. */
const DATA = 0
const ERROR = 1
const PORT_BYTES = 2

/** @throws CannotRun */
export async function connectToPod(source: KubeConfigSource, target: PodPort): Promise<Duplex> {
  const { namespace, pod, port } = target
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`
  const awaitsPort = new Set([DATA, ERROR])
  const connection = new PodConnection()
  const take = (channel: number, bytes: Buffer): boolean => {
    const content = awaitsPort.delete(channel) ? bytes.subarray(PORT_BYTES) : bytes
    if (content.length === 0) return true
    if (channel === DATA) connection.push(content)
    else connection.destroy(new Error(`Pod ${namespace}/${pod}: ${content.toString().trim()}`))
    return true
  }
  try {
    const handler = new WebSocketHandler(loadKubeConfig(source))
    connection.begin((await handler.connect(path, null, take)) as unknown as Channel)
    return connection
  } catch (error) {
    const remedy = 'you need the right to create pods/portforward there'
    throw new CannotRun(`cannot connect to port ${port} of Pod ${namespace}/${pod} (${reasonOf(error)})`, remedy, error)
  }
}

/** What of a WebSocket is used. */
interface Channel {
  send(bytes: Buffer, done: (error?: Error) => void): void
  close(): void
  onclose: (() => void) | null
}

class PodConnection extends Duplex {
  #channel: Channel | undefined

  begin(channel: Channel): void {
    this.#channel = channel
    channel.onclose = () => this.destroy()
  }

  override _read(): void {
    // What comes is pushed as it comes: the protocol has no way to hold it back.
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#channel?.send(Buffer.concat([Buffer.of(DATA), chunk]), done)
  }

  override _final(done: () => void): void {
    this.#channel?.close()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel?.close()
    done(error)
  }
}
