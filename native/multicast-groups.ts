import { addon, errorCode, type Handle, memoryOf, slots } from './addon.ts'

/** Closing a socket leaves its groups in one go, each in up to a tenth of a millisecond. */
const GROUPS_OF_A_SOCKET = 128
/** net.core.optmem_max may have room for fewer. */
const SOCKET_IS_FULL = new Set(['ENOMEM', 'ENOBUFS'])

/**
 * Memberships of one interface in IPv6 multicast groups: the device accepts their frames, and the kernel reports them
 * to switches by MLD (RFC 3810), as for any program. Each group is joined once and left with its last user.
 */
export class MulticastGroups {
  readonly #interfaceIndex: number
  readonly #sockets: Handle[] = []
  #joinedOnLast = 0
  readonly #groups = new Map<string, { users: number; readonly socket: Handle }>()

  constructor(interfaceIndex: number) {
    this.#interfaceIndex = interfaceIndex
  }

  /** `group` is 16 bytes. Throws an Error with `code` when the kernel refuses (`ENODEV`: the interface is gone). */
  join(group: Uint8Array): void {
    const key = group.join()
    const known = this.#groups.get(key)
    if (known !== undefined) {
      known.users += 1
      return
    }
    this.#groups.set(key, { users: 1, socket: this.#joinOnSomeSocket(group) })
  }

  /** Leaving a group that was not joined is the caller's mistake and throws. */
  leave(group: Uint8Array): void {
    const key = group.join()
    const known = this.#groups.get(key)
    if (known === undefined) throw new Error(`leaving a group that was not joined: ${key}`)
    known.users -= 1
    if (known.users > 0) return
    this.#groups.delete(key)
    try {
      addon.membership(known.socket, this.#interfaceIndex, group, false)
    } catch (error) {
      // With the interface its memberships are gone too.
      if (errorCode(error) === undefined) throw error
    }
  }

  /** Leaves all groups; with thousands that takes a while, which `closeSome` divides. */
  close(): void {
    while (this.closeSome());
  }

  /** To be called until it answers false: then no group is left. None is to be joined or left in between. */
  closeSome(): boolean {
    const socket = this.#sockets.pop()
    this.#groups.clear()
    if (socket !== undefined) addon.close(socket)
    return socket !== undefined
  }

  #joinOnSomeSocket(group: Uint8Array): Handle {
    const last = this.#sockets.at(-1)
    if (last !== undefined && this.#joinedOnLast < GROUPS_OF_A_SOCKET && this.#tryJoin(last, group)) {
      this.#joinedOnLast += 1
      return last
    }
    const fresh = openSocket()
    this.#sockets.push(fresh)
    addon.membership(fresh, this.#interfaceIndex, group, true)
    this.#joinedOnLast = 1
    return fresh
  }

  #tryJoin(socket: Handle, group: Uint8Array): boolean {
    try {
      addon.membership(socket, this.#interfaceIndex, group, true)
      return true
    } catch (error) {
      if (SOCKET_IS_FULL.has(errorCode(error) ?? '')) return false
      throw error
    }
  }
}

/** Nothing is ever bound to it, so nothing arrives; the least memory will do. */
function openSocket(): Handle {
  const nothing = () => 0
  return addon.groupsOpen({
    onFrames: nothing,
    onError: nothing,
    queueCapacity: 1,
    ...memoryOf(slots(1, 1), slots(1, 1)),
  })
}
