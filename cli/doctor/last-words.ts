/** What a program wrote last. Pure. */

const LONGEST = 200

/** The last error in a log, else its last line; of a line of JSON its message. */
export function lastWordsOf(log: string): string {
  const lines = log.trimEnd().split('\n')
  const line = lines.findLast((one) => one.includes('"level":"error"')) ?? lines.at(-1) ?? ''
  return (messageIn(line) ?? line).slice(0, LONGEST)
}

function messageIn(line: string): string | undefined {
  return /^\{.*"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replaceAll('\\"', '"')
}

/** The port that could not be had; undefined = the program ended of something else. */
export function portMissed(words: string): number | undefined {
  const found = /EADDRINUSE\b.*:(\d+)\b/.exec(words)?.[1]
  return found === undefined ? undefined : Number(found)
}
