/** The Chrome DevTools Protocol, as far as tests need it: commands with answers, and events, over one WebSocket. */

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly message: string }
  readonly sessionId?: string
}

export type DevToolsEvent = { readonly method: string; readonly params: unknown }

export class DevTools {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #listeners: ((event: DevToolsEvent) => void)[] = []
  #serial = 0
  /** Commands go to this page. */
  #session: string | undefined

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data)) as Answer))
    socket.addEventListener('close', () => this.#fail(new Error('the browser closed the connection')))
  }

  static async connect(url: string): Promise<DevTools> {
    const socket = new WebSocket(url)
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve())
      socket.addEventListener('error', () => reject(new Error(`cannot connect to ${url}`)))
    })
    return new DevTools(socket)
  }

  /** From now on commands go to a page of its own. */
  async openPage(): Promise<void> {
    const { targetId } = await this.send<{ readonly targetId: string }>('Target.createTarget', { url: 'about:blank' })
    const attached = await this.send<{ readonly sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    })
    this.#session = attached.sessionId
  }

  /** @throws with the browser's message where it refuses */
  async send<Result = unknown>(method: string, params: object = {}): Promise<Result> {
    const id = ++this.#serial
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    this.#socket.send(JSON.stringify({ id, method, params, ...(this.#session && { sessionId: this.#session }) }))
    return (await answer.promise) as Result
  }

  onEvent(listener: (event: DevToolsEvent) => void): void {
    this.#listeners.push(listener)
  }

  close(): void {
    this.#socket.close()
  }

  #take({ id, method, params, result, error }: Answer): void {
    if (id === undefined) {
      for (const listener of this.#listeners) listener({ method: method ?? '', params })
      return
    }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(error.message))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
