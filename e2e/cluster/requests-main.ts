/**
 * A client that counts every request that got no answer: `node requests-main.ts ADDRESS TCP_PORT UDP_PORT`, in the
 * client's network namespace. Three kinds side by side, each at its own pace: datagrams each from a new port, datagrams
 * that are one long flow, and TCP connections with one request each.
 *
 * Prints `began` when each kind has had an answer, and at the end (SIGTERM), when the last has had its time, a JSON
 * object with a Sum for each kind.
 */
import { createSocket, type Socket } from 'node:dgram'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const DATAGRAM_INTERVAL_MS = 5
const CONNECTION_INTERVAL_MS = 10
/** A segment or a question by ARP that is lost is sent again after a second. */
const PATIENCE_MS = 3_000

export interface Sum {
  readonly asked: number
  readonly answered: number
  /** Milliseconds since 1970 at which those were asked that got none, and why. */
  readonly lost: readonly { readonly atMs: number; readonly because: string }[]
  /** Between two answers. */
  readonly longestSilenceMs: number
}

export type Kind = 'datagrams' | 'flow' | 'connections'
export type Sums = Readonly<Record<Kind, Sum>>

class Tally {
  #asked = 0
  #answered = 0
  readonly #lost: { atMs: number; because: string }[] = []
  #lastAnswerMs: number | undefined
  #longestSilenceMs = 0

  get hasBegun(): boolean {
    return this.#answered > 0
  }

  /** One request; what it answers is to be called once, with the reason where no answer came. */
  ask(): (failure?: string) => void {
    this.#asked += 1
    const atMs = Date.now()
    let isOver = false
    return (failure) => {
      if (isOver) return
      isOver = true
      if (failure === undefined) this.#answer()
      // Before the first answer the address may not be there yet.
      else if (this.hasBegun) this.#lost.push({ atMs, because: failure })
    }
  }

  #answer(): void {
    const now = performance.now()
    if (this.#lastAnswerMs !== undefined) {
      this.#longestSilenceMs = Math.max(this.#longestSilenceMs, Math.round(now - this.#lastAnswerMs))
    }
    this.#lastAnswerMs = now
    this.#answered += 1
  }

  sum(): Sum {
    return {
      ...{ asked: this.#asked, answered: this.#answered, lost: this.#lost },
      longestSilenceMs: this.#longestSilenceMs,
    }
  }
}

const [address = '', tcpPort = '', udpPort = ''] = process.argv.slice(2)
const tallies: Readonly<Record<Kind, Tally>> = {
  datagrams: new Tally(),
  flow: new Tally(),
  connections: new Tally(),
}

function askFromNewPort(): void {
  const over = tallies.datagrams.ask()
  const socket: Socket = createSocket('udp4')
  const end = (failure?: string): void => {
    clearTimeout(limit)
    over(failure)
    socket.close()
  }
  const limit = setTimeout(() => end('no answer'), PATIENCE_MS)
  socket.once('message', () => end())
  socket.once('error', (error) => end(error.message))
  socket.send('request', Number(udpPort), address)
}

const flow = createSocket('udp4')
/** Answers of the flow carry no number; they come in the order of the requests. */
const open: { over: (failure?: string) => void; atMs: number }[] = []
flow.on('message', () => open.shift()?.over())
// The kernel tells of unreachable hosts here; that an answer is missing is counted by the limit.
flow.on('error', () => undefined)

function askInFlow(): void {
  while (open.length > 0 && performance.now() - open[0]!.atMs > PATIENCE_MS) open.shift()!.over('no answer')
  open.push({ over: tallies.flow.ask(), atMs: performance.now() })
  flow.send('request', Number(udpPort), address, () => undefined)
}

function askByConnection(): void {
  const over = tallies.connections.ask()
  const socket = connect(Number(tcpPort), address)
  let text = ''
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no answer')))
  socket.on('connect', () => socket.write('GET / HTTP/1.1\r\n\r\n'))
  socket.on('data', (chunk) => {
    text += chunk.toString()
  })
  socket.on('error', (error) => over(error.message))
  socket.on('close', () => over(text.includes('host=') ? undefined : 'closed without an answer'))
}

const tickers = [
  setInterval(askFromNewPort, DATAGRAM_INTERVAL_MS),
  setInterval(askInFlow, DATAGRAM_INTERVAL_MS),
  setInterval(askByConnection, CONNECTION_INTERVAL_MS),
]

process.once('SIGTERM', async () => {
  for (const ticker of tickers) clearInterval(ticker)
  await delay(PATIENCE_MS + 100)
  for (const { over } of open) over('no answer')
  const sums = Object.fromEntries(Object.entries(tallies).map(([kind, tally]) => [kind, tally.sum()]))
  process.stdout.write(`${JSON.stringify(sums)}\n`)
  process.exit(0)
})

const announcing = setInterval(() => {
  if (!Object.values(tallies).every(({ hasBegun }) => hasBegun)) return
  clearInterval(announcing)
  process.stdout.write('began\n')
}, 10)
