/** The process of a RawHost. */
import { InterfaceMonitor, PacketSocket } from '../native/index.ts'
import type { HeardFrame } from './raw-host.ts'

type Protocol = HeardFrame['protocol']

const monitor = new InterfaceMonitor((interfaces) => {
  monitor.close()
  const { index } = [...interfaces.values()].find(({ name }) => name === process.argv[2])!
  const sockets = { arp: open('arp', index), ndp: open('ndp', index) }
  process.on('message', ({ protocol, bytes }: { protocol: keyof typeof sockets; bytes: Uint8Array }) => {
    const { sending } = sockets[protocol]
    sending.bytes.set(bytes)
    sending.lengths[0] = bytes.length
    sockets[protocol].send(1)
  })
  process.send!('open')
}, fail)
process.on('disconnect', () => process.exit(0))

function open(protocol: Protocol, interfaceIndex: number): PacketSocket {
  const socket: PacketSocket = new PacketSocket({
    interfaceIndex,
    protocol,
    onDown: fail,
    onFrames(count) {
      const { bytes, lengths, slotBytes } = socket.received
      for (let slot = 0; slot < count; slot++) {
        const frame = bytes.slice(slot * slotBytes, slot * slotBytes + lengths[slot]!)
        process.send!({ protocol, bytes: frame, atMs: performance.now() + performance.timeOrigin })
      }
      return 0
    },
  })
  // Solicitations go to groups: hear them all, as a sniffer does.
  if (protocol === 'ndp') socket.join(Uint8Array.of(0x33, 0x33, 0, 0, 0, 1), interfaceIndex)
  return socket
}

function fail(code: string): never {
  throw new Error(code)
}
