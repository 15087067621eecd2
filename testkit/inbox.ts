/**
 * What another process says, in order, and waiting for one of its messages. Every wait has a limit: a test that hangs
 * tells nobody what is missing.
 */

/** Longer than a machine with far too much work needs, shorter than a test's own limit. */
const LIMIT_MS = 25_000

interface Wait<Message> {
  readonly matches: (message: Message) => boolean
  readonly resolve: (message: Message) => void
  readonly fail: (why: string) => void
}

export class Inbox<Message> {
  readonly messages: Message[] = []
  readonly #owner: string
  readonly #waits = new Set<Wait<Message>>()

  /** `owner` is who speaks, as errors name it. */
  constructor(owner: string) {
    this.#owner = owner
  }

  /** What was said just now. */
  take(message: Message): void {
    this.messages.push(message)
    for (const wait of [...this.#waits]) if (wait.matches(message)) wait.resolve(message)
  }

  /** Nothing more will be said; `why` as in `its process has ended`. */
  end(why: string): void {
    for (const wait of [...this.#waits]) wait.fail(why)
  }

  /** The first message from now on that matches; after the limit an error with the last messages of `isRelevant`. */
  next(what: string, matches: Wait<Message>['matches'], isRelevant: Wait<Message>['matches'] = () => true) {
    const { promise, resolve, reject } = Promise.withResolvers<Message>()
    const askedAt = new Error(`waiting for ${what}`)
    const end = () => {
      clearTimeout(timer)
      this.#waits.delete(wait)
    }
    const wait: Wait<Message> = {
      matches,
      resolve: (message) => {
        end()
        resolve(message)
      },
      fail: (why) => {
        end()
        const last = this.messages.filter(isRelevant).slice(-3)
        askedAt.message = `waited for ${what} of ${this.#owner}: ${why}; last heard: ${JSON.stringify(last, asText)}`
        reject(askedAt)
      },
    }
    const timer = setTimeout(wait.fail, LIMIT_MS, `nothing within ${LIMIT_MS / 1000} s`)
    // Nobody may look at it any more, when the test has failed before.
    promise.catch(() => undefined)
    this.#waits.add(wait)
    return promise
  }
}

function asText(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return typeof value === 'bigint' ? String(value) : value
}
