/**
 * A router that means harm, as a program in a namespace: `hostile-router-main.ts NODE_ADDRESS ASN`. It calls the node,
 * then sends UPDATEs with attributes that nobody knows as fast as the socket takes them, and calls again and again. Its
 * parent hears how many UPDATEs have left.
 */
import { connect, type Socket } from 'node:net'
import { encodeMessage } from '../net/bgp/index.ts'

const [node = '', asn = ''] = process.argv.slice(2)
const BGP_PORT = 179
const UPDATES_A_WRITE = 1_000
const CALL_EVERY_MS = 5
const REPORT_EVERY_MS = 100
const OPTIONAL_TRANSITIVE = 0xc0
const UNKNOWN_ATTRIBUTES = 20

const open = encodeMessage({
  kind: 'open',
  open: {
    ...{ version: 4, myAutonomousSystem: Number(asn), holdTimeSeconds: 90, identifier: 0x0a00_0009 },
    ...{ capabilities: [{ kind: 'four-octet-asn', asn: Number(asn) }], otherParameters: [] },
  },
})
const attributes = Array.from({ length: UNKNOWN_ATTRIBUTES }, (_, index) => ({
  ...{ flags: OPTIONAL_TRANSITIVE, type: 200 + index, value: new Uint8Array(10) },
}))
const update = encodeMessage({
  kind: 'update',
  update: { withdrawn: new Uint8Array(), attributes, overrun: new Uint8Array(), nlri: Uint8Array.of(24, 10, 9, 8) },
})
const flood = Buffer.concat(Array.from({ length: UPDATES_A_WRITE }, () => update))

let sent = 0

function call(): Socket {
  const socket = connect(BGP_PORT, node)
  // Refused, reset: as long as it may call again that is no matter to it.
  socket.on('error', () => socket.destroy())
  socket.resume()
  socket.write(Buffer.concat([open, encodeMessage({ kind: 'keepalive' })]))
  return socket
}

function pour(socket: Socket): void {
  while (socket.writable && socket.write(flood)) sent += UPDATES_A_WRITE
}

const session = call()
session.on('drain', () => pour(session))
session.once('data', () => pour(session))
setInterval(call, CALL_EVERY_MS)
setInterval(() => process.send!(sent), REPORT_EVERY_MS)
process.on('disconnect', () => process.exit(0))
