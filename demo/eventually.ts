/**
 * Tries until it works: what is waited for is a status, an event or an answer that another program gives a moment later.
 * After the limit the last attempt's error is thrown. For a cluster in real time only.
 */
export async function eventually<T>(attempt: () => T, limitMs = 10_000): Promise<T> {
  const until = performance.now() + limitMs
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      if (performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
