import { PacketSocket, type PacketSocketOptions } from './packet-socket.ts'

/** One asker in so many shares a lane with the one who floods. */
const LANES = 8

export interface PacketLanesOptions extends Omit<PacketSocketOptions, 'onFrames' | 'isFollower'> {
  /** As of a PacketSocket, for the lane that the frames came on. */
  readonly onFrames: (lane: PacketSocket, count: number) => number
  /** Which sources share a lane; a number that nobody else knows. */
  readonly secret: number
}

/**
 * Several sockets on one interface, each source MAC on one of them, read in turn. Who asks faster than anybody can answer
 * fills the receive buffer of one lane, and those on the others do not notice.
 */
export class PacketLanes {
  readonly #lanes: PacketSocket[] = []

  /** Throws an Error with `code`, as PacketSocket does. */
  constructor({ onFrames, secret, ...options }: PacketLanesOptions) {
    try {
      for (let number = 0; number < LANES; number++) {
        const lane: PacketSocket = new PacketSocket({
          ...options,
          isFollower: number > 0,
          onFrames: (count) => onFrames(lane, count),
          onDown: (code) => this.#end(code, options.onDown),
        })
        this.#lanes.push(lane)
        if (number === 0) lane.leadGroup(secret)
        else lane.joinGroup(this.first)
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** For what is sent without having been asked. */
  get first(): PacketSocket {
    return this.#lanes[0]!
  }

  /** Nothing is called after this. */
  close(): void {
    for (const lane of this.#lanes) lane.close()
  }

  /** The first lane that notices speaks for all. */
  #end(code: string, onDown: (code: string) => void): void {
    this.close()
    onDown(code)
  }
}
