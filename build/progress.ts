import { type SpawnOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A message for the person at the terminal, printed as one line without a stack trace. */
export class Missing extends Error {}

/** Full path of a program on PATH, or undefined. */
export function which(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/go/bin']
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

/** Full path of a program on PATH; where it is not there, says so with the remedy. */
export function need(program: string, remedy: string): string {
  const path = which(program)
  if (path === undefined) throw new Missing(`${program} is missing: ${remedy}`)
  return path
}

export interface Step {
  /** What is being done, `control plane programs`. */
  readonly title: string
  /** How long it takes on two cores. */
  readonly estimateSeconds: number
}

/**
 * Runs a command while a line tells the time gone and the estimate; its output is shown only where it fails.
 * On a terminal the line is rewritten each second, elsewhere a line is printed every 30 s.
 */
export async function runWithProgress(step: Step, command: string, args: string[], options: SpawnOptions = {}) {
  const startedAt = performance.now()
  const seconds = () => Math.round((performance.now() - startedAt) / 1000)
  const line = () => `${step.title}: ${seconds()} s of about ${step.estimateSeconds} s`
  const terminal = process.stdout.isTTY
  const show = () => (terminal ? process.stdout.write(`\r${line()} `) : console.log(line()))
  console.log(`${step.title}: about ${step.estimateSeconds} s, once`)
  const ticker = setInterval(show, terminal ? 1_000 : 30_000)
  const { code, output } = await collect(command, args, options)
  clearInterval(ticker)
  if (terminal) process.stdout.write('\r\u001b[K')
  if (code !== 0) throw new Error(`${step.title} failed (${command} exited ${code}):\n${output}`)
  console.log(`${step.title}: done in ${seconds()} s`)
}

function collect(command: string, args: string[], options: SpawnOptions): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr!.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }))
  })
}

/** Runs the main function of a build program: what is missing is one line, all else a stack trace; both exit 1. */
export async function asProgram(main: () => Promise<unknown>): Promise<void> {
  try {
    await main()
  } catch (error) {
    console.error(error instanceof Missing ? `error: ${error.message}` : error)
    process.exitCode = 1
  }
}
