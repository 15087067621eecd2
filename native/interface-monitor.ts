import { isDeepStrictEqual } from 'node:util'
import { addon, type Handle, memoryOf, slots } from './addon.ts'
import { decodeNetlink, encodeDumpRequest, type Link, type LinkAddress, type NetlinkMessage } from './netlink.ts'

/** RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR. */
const GROUPS = 0x1 | 0x10 | 0x100
/** The kernel sends dumps in pieces of at most this size. */
const DATAGRAM_BYTES = 32768

/** A link with its addresses; never changed in place. */
export interface NetworkInterface extends Link {
  readonly addresses: readonly LinkAddress[]
}

/** Interfaces by index. */
export type Interfaces = ReadonlyMap<number, NetworkInterface>

/**
 * The interfaces of this network namespace, and a call whenever they differ. Where the kernel had to drop events, the
 * tables are read anew; the listener sees only the difference. Needs no privilege.
 */
export class InterfaceMonitor {
  readonly #onChange: (interfaces: Interfaces) => void
  readonly #onError: (code: string) => void
  #handle: Handle
  #published: Interfaces | undefined
  /** What is being put together; published when no dump is under way. */
  #links = new Map<number, NetworkInterface>()
  #dumping: 'links' | 'addresses' | undefined
  #sequence = 0
  readonly #received = slots(8, DATAGRAM_BYTES)
  readonly #sending = slots(1, 64)

  /**
   * `onChange` is called first when both tables have been read. `onError` gets the name of an error (`EIO`) that
   * reading anew did not cure; nothing more is heard then.
   */
  constructor(onChange: (interfaces: Interfaces) => void, onError: (code: string) => void) {
    this.#onChange = onChange
    this.#onError = onError
    this.#handle = this.#open()
    this.#startOver()
  }

  /** Reads both tables anew; for events that the kernel dropped, and as a safety net. */
  resynchronize(): void {
    // A socket carries one dump at a time; the one under way is as good.
    if (this.#dumping === undefined) this.#startOver()
  }

  close(): void {
    addon.close(this.#handle)
  }

  #open(): Handle {
    return addon.netlinkOpen({
      groups: GROUPS,
      receiveBufferBytes: 1 << 20,
      queueCapacity: 4,
      onFrames: (count) => this.#receive(count),
      onError: (errno) => this.#recover(addon.errorName(errno)),
      ...memoryOf(this.#received, this.#sending),
    })
  }

  /** ENOBUFS: events were dropped since the receive buffer was full. */
  #recover(code: string): void {
    addon.close(this.#handle)
    if (code !== 'ENOBUFS') {
      this.#onError(code)
      return
    }
    this.#handle = this.#open()
    this.#startOver()
  }

  #startOver(): void {
    this.#links = new Map()
    this.#request('links')
  }

  #request(what: 'links' | 'addresses'): void {
    this.#dumping = what
    this.#sequence += 1
    this.#sending.lengths[0] = encodeDumpRequest(what, this.#sequence, this.#sending.bytes)
    addon.send(this.#handle, 1)
  }

  #receive(count: number): number {
    const { bytes, lengths, slotBytes } = this.#received
    for (let slot = 0; slot < count; slot++) {
      const datagram = bytes.subarray(slot * slotBytes, slot * slotBytes + lengths[slot]!)
      for (const message of decodeNetlink(datagram)) this.#apply(message)
    }
    if (this.#dumping === undefined) this.#publish()
    return 0
  }

  #apply(message: NetlinkMessage): void {
    switch (message.kind) {
      case 'link':
        this.#links.set(message.link.index, {
          ...message.link,
          addresses: this.#links.get(message.link.index)?.addresses ?? [],
        })
        return
      case 'link-gone':
        this.#links.delete(message.index)
        return
      case 'address':
      case 'address-gone':
        this.#applyAddress(message.index, message.address, message.kind === 'address')
        return
      case 'done':
        this.#continueDump(message.interrupted)
        return
      case 'error':
        this.#onError(addon.errorName(message.errno))
    }
  }

  #applyAddress(index: number, address: LinkAddress, present: boolean): void {
    const link = this.#links.get(index)
    if (link === undefined) return
    const others = link.addresses.filter(
      (other) => Buffer.compare(other.bytes, address.bytes) !== 0 || other.prefixLength !== address.prefixLength,
    )
    this.#links.set(index, { ...link, addresses: present ? [...others, address] : others })
  }

  #continueDump(interrupted: boolean): void {
    if (interrupted) this.#startOver()
    else if (this.#dumping === 'links') this.#request('addresses')
    else this.#dumping = undefined
  }

  #publish(): void {
    if (this.#published !== undefined && isDeepStrictEqual(this.#published, this.#links)) return
    this.#published = new Map(this.#links)
    this.#onChange(this.#published)
  }
}
