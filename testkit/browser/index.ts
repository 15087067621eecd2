/**
 * A real browser without a window, for tests of the web page.
 *
 * ```ts
 * const browser = await startBrowser()
 * await browser.open('http://127.0.0.1:8080/page')
 * await browser.until('document.querySelector("#count").textContent === "1,000 Services"')
 * assert.deepEqual(browser.complaints, [])
 * await browser.stop()
 * ```
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openWorkplace, type Workplace } from '../leftovers.ts'
import { type Program, startProgram } from '../program.ts'
import { DevTools, type DevToolsEvent } from './devtools.ts'
import { browserEnvironment, browserProgram } from './programs.ts'

const START_LIMIT_MS = 30_000
const UNTIL_LIMIT_MS = 30_000

export interface Look {
  readonly theme: 'light' | 'dark'
  readonly width: number
  readonly height: number
  readonly isPhone?: boolean
}

/** A rule of axe-core that the page breaks, and where. */
export interface Violation {
  readonly id: string
  readonly help: string
  readonly nodes: readonly string[]
}

export async function startBrowser(): Promise<Browser> {
  const workplace = openWorkplace('browser')
  const program = startProgram(workplace, {
    name: 'chromium',
    command: browserProgram(),
    args: [
      ...['--remote-debugging-port=0', `--user-data-dir=${join(workplace.directory, 'profile')}`],
      // As root it does not start otherwise; what it shows is ours.
      ...['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--hide-scrollbars'],
    ],
    environment: browserEnvironment(join(workplace.directory, 'home')),
  })
  try {
    const devTools = await DevTools.connect(await addressOf(program))
    const browser = new Browser(workplace, program, devTools)
    await browser.begin()
    return browser
  } catch (error) {
    await program.stop()
    workplace.clear()
    throw error
  }
}

/** It writes it to its log when it listens. */
async function addressOf(program: Program): Promise<string> {
  const until = performance.now() + START_LIMIT_MS
  while (performance.now() < until && program.isRunning()) {
    const found = /^DevTools listening on (ws:\S+)$/m.exec(readFileSync(program.logPath, 'utf8'))
    if (found !== null) return found[1]!
    await delay(20)
  }
  throw new Error(`the browser does not start; the end of its log:\n${program.lastLines()}`)
}

export class Browser {
  /** What went to the console as an error or warning, exceptions, files that could not be loaded. */
  readonly complaints: string[] = []
  readonly #workplace: Workplace
  readonly #program: Program
  readonly #devTools: DevTools

  constructor(workplace: Workplace, program: Program, devTools: DevTools) {
    this.#workplace = workplace
    this.#program = program
    this.#devTools = devTools
  }

  async begin(): Promise<void> {
    await this.#devTools.openPage()
    this.#devTools.onEvent((event) => this.#hear(event))
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await this.#devTools.send(`${domain}.enable`)
  }

  async look({ theme, width, height, isPhone = false }: Look): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value: theme }]
    await this.#devTools.send('Emulation.setEmulatedMedia', { features })
    const metrics = { width, height, deviceScaleFactor: 1, mobile: isPhone }
    await this.#devTools.send('Emulation.setDeviceMetricsOverride', metrics)
  }

  async open(url: string): Promise<void> {
    const { errorText } = await this.#devTools.send<{ readonly errorText?: string }>('Page.navigate', { url })
    if (errorText !== undefined) throw new Error(`${url} cannot be opened: ${errorText}`)
  }

  /** The value of an expression in the page; it may be a promise. @throws what it throws */
  async evaluate<Value = unknown>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#devTools.send<Evaluated>('Runtime.evaluate', {
      ...{ expression, returnByValue: true, awaitPromise: true },
    })
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    }
    return result.value as Value
  }

  /** Resolves when the expression is true in the page. */
  async until(expression: string, limitMs = UNTIL_LIMIT_MS): Promise<void> {
    const end = performance.now() + limitMs
    while (!(await this.evaluate<boolean>(`Boolean(${expression})`))) {
      if (performance.now() > end) throw new Error(`not so within ${limitMs} ms: ${expression}`)
      await delay(20)
    }
  }

  /** Presses and releases a key: `Tab`, `Enter`, `a`. */
  async press(key: string): Promise<void> {
    const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined
    const windowsVirtualKeyCode = KEY_CODES[key] ?? key.toUpperCase().charCodeAt(0)
    const event = { key, code: key, windowsVirtualKeyCode, ...(text !== undefined && { text }) }
    await this.#devTools.send('Input.dispatchKeyEvent', {
      ...event,
      type: text === undefined ? 'rawKeyDown' : 'keyDown',
    })
    await this.#devTools.send('Input.dispatchKeyEvent', { ...event, type: 'keyUp' })
  }

  /** What axe-core finds wrong with the page, as it stands. */
  async violations(): Promise<readonly Violation[]> {
    const require = createRequire(import.meta.url)
    await this.evaluate(`${readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')};0`)
    return this.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html }) => html.slice(0, 200)) })))`)
  }

  /** PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#devTools.send<{ readonly data: string }>('Page.captureScreenshot', { format: 'png' })
    return Buffer.from(data, 'base64')
  }

  async stop(): Promise<void> {
    this.#devTools.close()
    await this.#program.stop()
    this.#workplace.clear()
  }

  #hear({ method, params }: DevToolsEvent): void {
    if (method === 'Runtime.exceptionThrown') {
      const { exceptionDetails } = params as Required<Pick<Evaluated, 'exceptionDetails'>>
      this.complaints.push(exceptionDetails.exception?.description ?? exceptionDetails.text)
    }
    if (method === 'Runtime.consoleAPICalled') {
      const { type, args } = params as { readonly type: string; readonly args: readonly { readonly value?: unknown }[] }
      if (type === 'error' || type === 'warning') this.complaints.push(args.map(({ value }) => String(value)).join(' '))
    }
    if (method === 'Log.entryAdded') {
      const { entry } = params as {
        readonly entry: { readonly level: string; readonly text: string; readonly url?: string }
      }
      if (entry.level === 'error' || entry.level === 'warning')
        this.complaints.push(`${entry.text} (${entry.url ?? ''})`)
    }
  }
}

const KEY_CODES: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  Escape: 27,
  PageDown: 34,
  End: 35,
  ArrowDown: 40,
  '-': 189,
}

interface Evaluated {
  readonly result: { readonly value?: unknown }
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } }
}
