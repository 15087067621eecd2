/**
 * Program of a host in the test of many paths. `serve NAME ADDRESS`: answers each connection with the name and closes it.
 * `ask ADDRESS INTERVAL_MS`: opens a connection so often, and tells its parent how each went.
 */
import { createConnection, createServer } from 'node:net'

const PORT = 8080
/** Below the second after which TCP sends a lost SYN again. */
const LIMIT_MS = 900

/** When a request began, milliseconds since 1970, and which node answered; undefined = none did. */
export interface Request {
  readonly beganAtMs: number
  readonly node: string | undefined
}

function serve(name: string, address: string): void {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(name)
  })
  server.listen(PORT, address, () => process.send!('listening'))
}

function ask(address: string): void {
  const beganAtMs = performance.timeOrigin + performance.now()
  const socket = createConnection(PORT, address)
  let node = ''
  const finish = () => {
    socket.destroy()
    process.send?.({ beganAtMs, node: node || undefined } satisfies Request)
  }
  socket.setEncoding('utf8').setTimeout(LIMIT_MS, finish)
  socket.on('data', (chunk: string) => {
    node += chunk
  })
  socket.on('error', finish)
  socket.on('end', finish)
}

if (import.meta.main) {
  const [role, ...args] = process.argv.slice(2) as [string, string, string]
  process.on('disconnect', () => process.exit(0))
  if (role === 'serve') serve(...args)
  else setInterval(ask, Number(args[1]), args[0])
}
