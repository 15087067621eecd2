/** The program of the wire thread: it owns every socket and every timer that a peer watches. */
import { parentPort } from 'node:worker_threads'
import { preferPromptness } from '../../native/index.ts'
import { systemClock } from '../../runtime/clock.ts'
import { systemRandom } from '../../runtime/random.ts'
import type { FromWire, ToWire } from './messages.ts'
import { Shell } from './shell.ts'

if (parentPort === null) throw new Error('speaker/wire/thread.ts runs as a worker thread only')
const port = parentPort
const post = (message: FromWire): void => port.postMessage(message)

// A question that waits for its answer should not wait for this node's other work too.
preferPromptness()

let shell: Shell | undefined
/** Came before `start`. */
const early: Exclude<ToWire, { kind: 'start' }>[] = []

port.on('message', (message: ToWire) => {
  if (message.kind === 'start') {
    shell ??= new Shell({ ...message, clock: systemClock, random: systemRandom, post })
    for (const one of early.splice(0)) shell.receive(one)
  } else if (shell !== undefined) shell.receive(message)
  else if (message.kind === 'ping') post({ kind: 'pong', id: message.id })
  else early.push(message)
})
