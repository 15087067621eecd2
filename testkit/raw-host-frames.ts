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

/** A question, from nobody, whether the address is free (RFC 5227 section 1.1). */
export function isArpProbe(target: string) {
  return ({ protocol, bytes }: HeardFrame) => {
    if (protocol !== 'arp') return false
    const { operation, senderIp, targetIp } = decodeArp(decodeFrame(bytes).payload)
    return operation === ArpOperation.Request && senderIp.bits === 0n && targetIp.bits === ip(target).bits
  }
}

/** Of one address if said; the kernels of the LAN talk NDP among themselves too. */
export function isAdvertisement(target?: string) {
  return ({ protocol, bytes }: HeardFrame): boolean => {
    if (protocol !== 'ndp') return false
    const { message } = decodeNdpPacket(decodeFrame(bytes).payload)
    return message.kind === 'advertisement' && (target === undefined || message.target.bits === ip(target).bits)
  }
}

/** Duplicate address detection (RFC 4862 section 5.4.2): a solicitation from the unspecified address. */
export function isNdpProbe(target: string) {
  return ({ protocol, bytes }: HeardFrame): boolean => {
    if (protocol !== 'ndp') return false
    const { source, message } = decodeNdpPacket(decodeFrame(bytes).payload)
    return message.kind === 'solicitation' && source.bits === 0n && message.target.bits === ip(target).bits
  }
}

/** The MAC that answers the client's request. */
export async function ask(client: RawHost, target: string, options?: Parameters<typeof arpRequest>[1]) {
  const reply = client.next(isReplyFor(target), `an answer for ${target}`)
  client.send('arp', arpRequest(target, options))
  return arpIn(await reply)!.mac
}

/** As `ask`, and again each second without an answer, as kernels do; how many questions it took. */
export async function askUntilAnswered(client: RawHost, target: string): Promise<number> {
  const reply = client.next(isReplyFor(target), `an answer for ${target}, asked again and again`)
  let questions = 0
  const question = () => {
    client.send('arp', arpRequest(target))
    questions += 1
  }
  question()
  const repeating = setInterval(question, 1000)
  await reply.finally(() => clearInterval(repeating))
  return questions
}
