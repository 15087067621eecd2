/** System calls that Node.js lacks. Everything here works in worker threads, each with sockets of its own. */
export type { Slots, SocketStatistics } from './addon.ts'
export { DatagramSocket, type DatagramSocketOptions } from './datagram-socket.ts'
export { InterfaceMonitor, type Interfaces, type NetworkInterface } from './interface-monitor.ts'
export { MulticastGroups } from './multicast-groups.ts'
export type { Link, LinkAddress } from './netlink.ts'
export type { Protocol } from './packet-filter.ts'
export { PacketSocket, type PacketSocketOptions } from './packet-socket.ts'
export { preferPromptness } from './schedule.ts'
