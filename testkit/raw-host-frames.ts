/** The frames that tests send from a RawHost, and what they look for among those it hears. */
import { ArpOperation, decodeArp, encodeArp } from '../net/arp/index.ts'
import { BROADCAST_MAC, decodeFrame, EtherType, encodeFrame, formatMac, parseMac } from '../net/ethernet/index.ts'
import { type Address, formatAddress, parseAddress } from '../net/ip/index.ts'
import { decodeNdpPacket } from '../net/ndp/index.ts'
import type { HeardFrame, RawHost } from './raw-host.ts'

export const CLIENT_MAC_TEXT = '02:00:00:00:99:99'
export const CLIENT_MAC = parseMac(CLIENT_MAC_TEXT)!
const CLIENT_IP = ip('192.0.2.99')

/** Of text that is an address. */
export function ip(text: string): Address {
  return parseAddress(text)!
}

/** From the client, to everybody unless said otherwise. */
export function arpRequest(target: string, { sender = CLIENT_IP, destination = BROADCAST_MAC } = {}): Uint8Array {
  const packet = {
    operation: ArpOperation.Request,
    senderMac: CLIENT_MAC,
    senderIp: sender,
    targetMac: 0,
    targetIp: ip(target),
  }
  return encodeFrame({ destination, source: CLIENT_MAC, etherType: EtherType.Arp, payload: encodeArp(packet) })
}

/** undefined for a frame of another protocol. */
export function arpIn({ protocol, bytes }: HeardFrame) {
  if (protocol !== 'arp') return undefined
  const { operation, senderMac, senderIp, targetMac } = decodeArp(decodeFrame(bytes).payload)
  return { operation, mac: formatMac(senderMac), ip: formatAddress(senderIp), isToUs: targetMac === CLIENT_MAC }
}

export function isReplyFor(target: string) {
  return (frame: HeardFrame) => {
    const arp = arpIn(frame)
    return arp?.isToUs === true && arp.operation === ArpOperation.Reply && arp.ip === target
  }
}

export function isGratuitous(target: string, mac?: string) {
  return (frame: HeardFrame) => {
    const arp = arpIn(frame)
    return arp?.isToUs === false && arp.ip === target && (mac === undefined || arp.mac === mac)
  }
}

/** The kernels of the LAN talk NDP among themselves too. */
export function isAdvertisement({ protocol, bytes }: HeardFrame): boolean {
  return protocol === 'ndp' && decodeNdpPacket(decodeFrame(bytes).payload).message.kind === 'advertisement'
}

/** The MAC that answers the client's request. */
export async function ask(client: RawHost, target: string, options?: Parameters<typeof arpRequest>[1]) {
  const reply = client.next(isReplyFor(target), `an answer for ${target}`)
  client.send('arp', arpRequest(target, options))
  return arpIn(await reply)!.mac
}
