/**
 * Tries until it works: for what a program that is not ours shows a moment later and tells nobody. After the limit the
 * last attempt's error is thrown.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, limitMs = 10_000, pauseMs = 50): Promise<T> {
  const until = performance.now() + limitMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}
