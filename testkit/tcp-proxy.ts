/**
 * A TCP proxy that stands between a client and a real server and does to the bytes what networks do: cuts connections
 * after a number of bytes, lets them stall, refuses new ones, delays everything. It runs in the test's own loop: what
 * blocks that (`plane.kubectl`) stops all traffic, and waits for ever where it needs the traffic itself.
 */

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** Bytes from the server until the connection is reset. */
  left: number
}

/** One direction of a connection: what comes later never overtakes, also where the delay has become shorter. */
class DelayLine {
  readonly #waiting: { readonly dueAt: number; readonly run: () => void }[] = []

  push(delayMs: number, run: () => void): void {
    if (delayMs === 0 && this.#waiting.length === 0) {
      run()
      return
    }
    this.#waiting.push({ dueAt: performance.now() + delayMs, run })
    if (this.#waiting.length === 1) this.#arm()
  }

  #arm(): void {
    const [first] = this.#waiting
    if (first !== undefined) setTimeout(() => this.#runFirst(), Math.max(0, first.dueAt - performance.now()))
  }

  #runFirst(): void {
    this.#waiting.shift()?.run()
    this.#arm()
  }
}

export class TcpProxy {
  readonly #server: Server
  readonly #target: URL
  readonly #pairs = new Set<Pair>()
  #isRefusing = false
  #isStalled = false
  #delayMs = 0
  #bytesUntilCut: () => number = () => Number.POSITIVE_INFINITY
  /** Connections that this proxy reset. */
  cuts = 0

  private constructor(server: Server, target: URL) {
    this.#server = server
    this.#target = target
    server.on('connection', (client) => this.#accept(client))
  }

  /** @param target `https://127.0.0.1:6443` */
  static async start(target: string): Promise<TcpProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new TcpProxy(server, new URL(target))
  }

  /** The target's URL by way of this proxy. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo
    return `${this.#target.protocol}//127.0.0.1:${port}`
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size
  }

  /** From now on each connection, open or new, is reset after so many bytes from the server. */
  cutAfter(bytes: () => number): void {
    this.#bytesUntilCut = bytes
    for (const pair of this.#pairs) pair.left = bytes()
  }

  /** Resets every connection. */
  cutAll(): void {
    for (const pair of [...this.#pairs]) this.#cut(pair)
  }

  /** New connections are reset at once. */
  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing
  }

  /** Nothing passes any more, in either direction, and nobody is told. */
  stall(isStalled: boolean): void {
    this.#isStalled = isStalled
    for (const pair of this.#pairs) this.#flow(pair)
  }

  /** Everything arrives so much later, in both directions. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  async stop(): Promise<void> {
    for (const pair of [...this.#pairs]) this.#cut(pair)
    await new Promise((resolve) => this.#server.close(resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect(Number(this.#target.port), this.#target.hostname)
    const pair: Pair = { client, server, left: this.#bytesUntilCut() }
    this.#pairs.add(pair)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      // Errors of one side close both: that is all a network would tell either of them.
      socket.on('error', () => this.#cut(pair))
      socket.on('close', () => this.#close(pair))
    }
    const [toServer, toClient] = [new DelayLine(), new DelayLine()]
    client.on('data', (bytes) => toServer.push(this.#delayMs, () => server.write(bytes)))
    server.on('data', (bytes) => toClient.push(this.#delayMs, () => this.#deliver(pair, Buffer.from(bytes))))
    this.#flow(pair)
  }

  #deliver(pair: Pair, bytes: Buffer): void {
    if (bytes.length < pair.left) {
      pair.left -= bytes.length
      pair.client.write(bytes)
      return
    }
    pair.client.write(bytes.subarray(0, pair.left), () => this.#cut(pair))
  }

  #flow(pair: Pair): void {
    for (const socket of [pair.client, pair.server]) {
      if (this.#isStalled) socket.pause()
      else socket.resume()
    }
  }

  #cut(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return
    this.cuts++
    pair.client.resetAndDestroy()
    pair.server.destroy()
  }

  #close(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return
    pair.client.destroy()
    pair.server.destroy()
  }
}
