/** A screen of a terminal that is drawn again and again, and left as it was found. */

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

/** q, Escape, and Ctrl-C, which is no signal while keys are read one by one. */
const LEAVING_KEYS = new Set(['q', 'Q', '\x1b', '\x03'])

/** Runs with the terminal as a screen; `leave` is called when somebody wants to go. */
export async function onScreen(
  leave: () => void,
  run: (draw: (lines: readonly string[]) => void) => Promise<void>,
): Promise<void> {
  const { stdin, stdout } = process
  const onKeys = (keys: Buffer) => {
    if ([...keys.toString()].some((key) => LEAVING_KEYS.has(key))) leave()
  }
  stdout.write(ENTER)
  if (stdin.isTTY) {
    stdin.setRawMode(true)
    stdin.on('data', onKeys)
  }
  try {
    await run((lines) => {
      stdout.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`)
    })
  } finally {
    if (stdin.isTTY) {
      stdin.off('data', onKeys)
      stdin.setRawMode(false)
      stdin.pause()
    }
    stdout.write(LEAVE)
  }
}
