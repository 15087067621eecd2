/** The default gateways of this network namespace, from the kernel's main routing table. */
import { readFileSync } from 'node:fs'
import { type Address, addressFromBytes } from '../../../net/ip/index.ts'

/** RTF_UP and RTF_GATEWAY (linux/route.h). */
const UP_AND_GATEWAY = 0x3

/** By interface name; IPv4 is preferred. An interface without a default route has none. */
export function readDefaultGateways(): ReadonlyMap<string, Address> {
  return new Map([...parseIpv6Routes(read('/proc/net/ipv6_route')), ...parseIpv4Routes(read('/proc/net/route'))])
}

/** Lines of /proc/net/route: interface, destination, gateway, flags, …, mask; numbers as the machine stores them. */
export function parseIpv4Routes(text: string): ReadonlyMap<string, Address> {
  const gateways = new Map<string, Address>()
  for (const line of text.split('\n').slice(1)) {
    const [name, destination, gateway, flags, , , , mask] = line.trim().split(/\s+/)
    if (mask === undefined || destination !== '00000000' || mask !== '00000000') continue
    if ((Number.parseInt(flags!, 16) & UP_AND_GATEWAY) !== UP_AND_GATEWAY || gateways.has(name!)) continue
    gateways.set(name!, addressFromBytes(Buffer.from(gateway!, 'hex').reverse()))
  }
  return gateways
}

/** Lines of /proc/net/ipv6_route: destination, its length, source, its length, next hop, …, flags, interface. */
export function parseIpv6Routes(text: string): ReadonlyMap<string, Address> {
  const gateways = new Map<string, Address>()
  for (const line of text.split('\n')) {
    const [, length, , , gateway, , , , flags, name] = line.trim().split(/\s+/)
    if (name === undefined || length !== '00' || gateways.has(name)) continue
    if ((Number.parseInt(flags!, 16) & UP_AND_GATEWAY) !== UP_AND_GATEWAY) continue
    gateways.set(name, addressFromBytes(Buffer.from(gateway!, 'hex')))
  }
  return gateways
}

/** A kernel without IPv6 has no such file: no routes. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
