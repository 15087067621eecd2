/**
 * Asks an address over UDP every 10 ms, each time from a new port, and tells how long it was silent:
 * `node demo/prober.ts ADDRESS PORT`. Runs in the client's network namespace.
 *
 * Prints one JSON object a line: `began` at the first answer; `silence` at the end of every silence above 50 ms, with its
 * length and who answered then; `sum` when told to end (SIGTERM).
 */
import { createSocket, type Socket } from 'node:dgram'

const INTERVAL_MS = 10
const NOTABLE_SILENCE_MS = 50
/** An answer that takes longer counts as none. */
const PATIENCE_MS = 1_000

const [address = '', portText = ''] = process.argv.slice(2)
const port = Number(portText)

let asked = 0
let answered = 0
let lastAnswerMs: number | undefined
let longestSilenceMs = 0

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function onAnswer(text: string): void {
  const now = performance.now()
  const silenceMs = lastAnswerMs === undefined ? 0 : Math.round(now - lastAnswerMs)
  const from = text.trim()
  if (lastAnswerMs === undefined) print({ kind: 'began', from })
  if (silenceMs > NOTABLE_SILENCE_MS) print({ kind: 'silence', silenceMs, from })
  longestSilenceMs = Math.max(longestSilenceMs, silenceMs)
  lastAnswerMs = now
  answered += 1
}

/** A new port each time: else connection tracking would keep asking the pod that it asked first, dead or not. */
function ask(): void {
  const socket: Socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const giveUp = setTimeout(() => socket.close(), PATIENCE_MS)
  const done = () => {
    clearTimeout(giveUp)
    socket.close()
  }
  asked += 1
  socket.once('message', (message) => {
    onAnswer(message.toString())
    done()
  })
  // While nobody answers ARP the kernel reports the host unreachable: no answer, like any other.
  socket.once('error', done)
  socket.send('probe', port, address, (error) => {
    if (error !== null) done()
  })
}

const ticker = setInterval(ask, INTERVAL_MS)
process.once('SIGTERM', () => {
  clearInterval(ticker)
  print({ kind: 'sum', asked, answered, longestSilenceMs })
  process.exit(0)
})
