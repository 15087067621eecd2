/** What a client on the LAN loses while something is done to the cluster: requests-main.ts, run and judged. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import type { Host } from '../../testkit/netns.ts'
import type { Sums } from './requests-main.ts'

const TCP_PORT = 80
const UDP_PORT = 53
/** A connection begins every 10 ms and is over in a few, on a busy machine in some tens of milliseconds. */
const CONNECTIONS_UNDER_WAY = 5

export class Requests {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  /** Resolves when every kind of request has had an answer. */
  static async begin(client: Host, address: string): Promise<Requests> {
    const program = join(import.meta.dirname, 'requests-main.ts')
    const args = [program, address, String(TCP_PORT), String(UDP_PORT)]
    const requests = new Requests(client.spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
    assert.equal((await requests.#lines.next()).value, 'began')
    return requests
  }

  async end(): Promise<Sums> {
    this.#child.kill('SIGTERM')
    const sums = JSON.parse((await this.#lines.next()).value) as Sums
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
    return sums
  }
}

/** Of TCP nothing is lost but what was under way at the moment of a move, and the client knows. */
export function assertOnlyCut({ connections: { lost } }: Sums, moves: number): void {
  for (const { because } of lost) assert.match(because, /ECONNRESET/)
  assert.ok(lost.length <= moves * CONNECTIONS_UNDER_WAY, `${lost.length} connections cut`)
}

/** Prints the sums, and the first that were lost of each kind. */
export function tell(t: TestContext, sums: Sums): void {
  for (const [kind, { asked, answered, lost, longestSilenceMs }] of Object.entries(sums)) {
    t.diagnostic(`${kind}: ${answered} of ${asked} answered, longest silence ${longestSilenceMs} ms`)
    for (const each of lost.slice(0, 5)) t.diagnostic(`lost at ${each.atMs}: ${each.because}`)
  }
}
