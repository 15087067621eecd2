/** The process of a WireNode: passes messages between the wire thread and its parent. */
import { Worker } from 'node:worker_threads'

const worker = new Worker(new URL('../speaker/wire/thread.ts', import.meta.url), { name: 'wire' })
worker.on('message', (message) => process.send!(message))
worker.on('error', (error) => {
  throw error
})
process.on('message', (message) => worker.postMessage(message))
process.on('disconnect', () => process.exit(0))
