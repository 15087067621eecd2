/**
 * Terms of leadership, one at a time. What decides in a term lives as long as the term: a ledger begins with what the
 * API server has, and two of them never decide at once.
 */
export interface TermsOptions<Term> {
  /** Resolves when all that is known was asked of the API server at this time of the clock, or later. */
  readonly readSince: (time: number) => Promise<void>
  readonly open: () => Term
}

export class Terms<Term extends { stop(): Promise<unknown> }> {
  readonly #options: TermsOptions<Term>
  #current: Term | undefined
  #ended: Promise<unknown> = Promise.resolve()
  /** Counts elections and their ends. */
  #turn = 0

  constructor(options: TermsOptions<Term>) {
    this.#options = options
  }

  get current(): Term | undefined {
    return this.#current
  }

  /**
   * Opens a term once the one before has ended and everything since `vacantSince` is read (see `LeaderOptions`).
   * @returns undefined where it was ended before it began. Another may have been begun meanwhile, and waits for newer
   *   things: what was read for this one is not enough for that.
   */
  async begin(vacantSince: number): Promise<Term | undefined> {
    const turn = ++this.#turn
    await this.#ended
    await this.#options.readSince(vacantSince)
    if (turn !== this.#turn) return undefined
    this.#current = this.#options.open()
    return this.#current
  }

  /** Resolves when nothing of the term runs any more. */
  async end(): Promise<void> {
    this.#turn++
    const term = this.#current
    this.#current = undefined
    if (term !== undefined) this.#ended = term.stop()
    await this.#ended
  }
}
