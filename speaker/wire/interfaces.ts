/** Which interfaces of the node addresses can be announced on, and why not on the others. */

import type { Interfaces, NetworkInterface } from '../../native/index.ts'
import { type Mac, parseMac } from '../../net/ethernet/index.ts'
import { type Address, addressFromBytes, formatAddress, type Prefix, prefixOf } from '../../net/ip/index.ts'
import { isLinkLocal } from '../../net/ndp/index.ts'
import type { ObservedInterface } from './messages.ts'

/** Why an interface cannot be announced on. The order is that of the checks. */
export type Unusable = 'not-ethernet' | 'no-arp' | 'no-broadcast' | 'enslaved' | 'down' | 'no-carrier'

export interface InterfaceAddress {
  readonly address: Address
  readonly prefix: Prefix
}

/** An interface that addresses can be announced on. */
export interface UsableInterface {
  readonly name: string
  readonly index: number
  readonly mac: Mac
  readonly macText: string
  /** Source of neighbour advertisements; undefined = none that can be used (yet), so no NDP here. */
  readonly linkLocal: Address | undefined
  readonly ipv4: readonly InterfaceAddress[]
}

export interface Assessment {
  readonly usable: readonly UsableInterface[]
  /** Every interface that is not excluded, in name order. */
  readonly observed: readonly ObservedInterface[]
}

/** Judges all interfaces; those that match a pattern do not exist for us. */
export function assessInterfaces(interfaces: Interfaces, excluded: readonly RegExp[]): Assessment {
  const considered = [...interfaces.values()]
    .filter(({ name, isLoopback }) => !isLoopback && !excluded.some((pattern) => pattern.test(name)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const observed: ObservedInterface[] = []
  const usable: UsableInterface[] = []
  for (const link of considered) {
    const because = whyUnusable(link)
    observed.push({ name: link.name, mac: link.mac, usable: because === undefined, because })
    if (because === undefined) usable.push(usableInterface(link))
  }
  return { usable, observed }
}

/**
 * A member of a bond, bridge or VRF does not answer, its master does. Without carrier nobody can hear us, and the
 * other speakers are to know that they are on their own.
 */
function whyUnusable(link: NetworkInterface): Unusable | undefined {
  if (!link.isEthernet || parseMac(link.mac) === undefined) return 'not-ethernet'
  if (link.isNoArp) return 'no-arp'
  if (!link.canBroadcast) return 'no-broadcast'
  if (link.master !== undefined) return 'enslaved'
  if (!link.isUp) return 'down'
  return link.hasCarrier ? undefined : 'no-carrier'
}

function usableInterface({ name, index, mac, addresses }: NetworkInterface): UsableInterface {
  const linkLocals = addresses
    .filter(({ family, isTentative }) => family === 6 && !isTentative)
    .map(({ bytes }) => addressFromBytes(bytes))
    .filter(isLinkLocal)
  const ipv4 = addresses
    .filter(({ family }) => family === 4)
    .map(({ bytes, prefixLength }) => {
      const address = addressFromBytes(bytes)
      return { address, prefix: prefixOf(address, prefixLength) }
    })
  return { name, index, mac: parseMac(mac)!, macText: mac, linkLocal: linkLocals[0], ipv4 }
}

/** What neighbours learn of the interface, as opaque text: when it changes they must be told anew. */
export function identityOf({ macText, linkLocal }: UsableInterface): string {
  return linkLocal === undefined ? macText : `${macText} ${formatAddress(linkLocal)}`
}
