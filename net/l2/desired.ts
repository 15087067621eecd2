import { resettle, withdraw } from './hold.ts'
import type { WantedAddress, WantedService } from './node.ts'
import { type Address, isSameList, newAddress, type State, type Turn } from './state.ts'

/** Takes what the main thread desires; only addresses for which that is something new are elected again. */
export function takeDesired(turn: Turn, services: readonly WantedService[], isComplete: boolean): void {
  const { state } = turn
  const touched = new Set<Address>()
  if (isComplete) {
    const named = new Set(services.map(({ key }) => key))
    const gone = [...state.services.keys()].filter((key) => !named.has(key))
    for (const key of gone) want(state, { key, layer2: [] }, touched)
  }
  for (const service of services) want(state, service, touched)
  for (const address of touched) {
    if (address.wants.size === 0) withdraw(turn, address)
    else resettle(turn, [address])
  }
}

/** Records what the Service wants and adds to `touched` what that changes. */
function want(state: State, service: WantedService, touched: Set<Address>): void {
  const { key, layer2 } = service
  const wantedIps = new Set(layer2.map(({ ip }) => ip))
  for (const { ip } of state.services.get(key) ?? []) {
    if (wantedIps.has(ip)) continue
    const address = state.addresses.get(ip)!
    address.wants.delete(key)
    address.reported.delete(key)
    touched.add(address)
  }
  for (const wanted of layer2) {
    const address = addressFor(state, wanted.ip)
    const known = address.wants.get(key)
    if (known !== undefined && isSame(known, wanted)) continue
    address.wants.set(key, wanted)
    touched.add(address)
  }
  if (layer2.length === 0) state.services.delete(key)
  else state.services.set(key, layer2)
}

function addressFor(state: State, ip: string): Address {
  const known = state.addresses.get(ip)
  if (known !== undefined) return known
  const address = newAddress(ip)
  state.addresses.set(ip, address)
  return address
}

function isSame(a: WantedAddress, b: WantedAddress): boolean {
  return isSameList(a.candidates, b.candidates) && isSameList(a.interfaces, b.interfaces)
}
