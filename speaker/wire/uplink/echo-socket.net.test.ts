import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { eventually } from '../../../testkit/eventually.ts'
import { requireRoot } from '../../../testkit/privilege.ts'
import { EchoSocket } from './echo-socket.ts'

const OPTIONS = { interfaceName: 'lo', identifier: 7, onAnswer: () => undefined, onError: assert.fail }

/** A thread that opens sockets in both families, and ends with them open: by itself, or told to. */
const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads')
  import(workerData.module).then(({ EchoSocket }) => {
    const options = { interfaceName: 'lo', identifier: 7, onAnswer() {}, onError() {} }
    globalThis.sockets = [4, 6].map((family) => new EchoSocket({ ...options, family }))
    parentPort.once('message', () => process.exit(0))
    parentPort.postMessage('open')
  })
`

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

test('a thread may end with echo sockets open: they go with it', async (t) => {
  if (!requireRoot(t)) return
  const workerData = { module: new URL('./echo-socket.ts', import.meta.url).href }
  const before = openDescriptors()
  for (let round = 0; round < 4; round++) {
    const workers = Array.from({ length: 3 }, () => new Worker(PROGRAM, { eval: true, workerData }))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    const ends = workers.map((worker) => once(worker, 'exit'))
    for (const [index, worker] of workers.entries()) index % 2 ? worker.postMessage('end') : worker.terminate()
    await Promise.all(ends)
  }
  await eventually(() => assert.ok(openDescriptors() <= before + 1, `${openDescriptors()}, before ${before}`))
})

test('sockets that are opened and closed by the hundred leave no descriptor behind', async (t) => {
  if (!requireRoot(t)) return
  const before = openDescriptors()
  for (let round = 0; round < 200; round++) {
    for (const family of [4, 6] as const) new EchoSocket({ ...OPTIONS, family }).close()
  }
  await eventually(() => assert.ok(openDescriptors() <= before + 1, `${openDescriptors()}, before ${before}`))
})
