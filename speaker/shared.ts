/** More are forgotten, not shared any more. */
const MAX_SHARED = 1000
/** A longer text is hardly ever that of a second value. */
const MAX_TEXT_LENGTH = 1000

/** One copy of what thousands of objects say alike: each that comes from the API server or the wire thread is its own. */
export class Shared<Value> {
  readonly #known = new Map<string, Value>()

  /** The value that came first with this text, which stands for everything that the value says. */
  of(text: string, value: Value): Value {
    if (text.length > MAX_TEXT_LENGTH) return value
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (this.#known.size >= MAX_SHARED) this.#known.clear()
    this.#known.set(text, value)
    return value
  }
}
