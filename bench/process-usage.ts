/** What the kernel says of a process: the processor time of its threads, and its memory. */
import { readdirSync, readFileSync } from 'node:fs'

const CLOCK_TICKS_PER_SECOND = 100

/** User and system time of a process in milliseconds, since it began. */
export function processorMs(pid: number): number {
  return (statOf(`/proc/${pid}/stat`).ticks * 1000) / CLOCK_TICKS_PER_SECOND
}

/** User and system time in seconds since it began, by the name of the thread. */
export function cpuSecondsByThread(pid: number): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const { command, ticks } = statOf(`/proc/${pid}/task/${task}/stat`)
    const name = task === String(pid) ? 'main' : command
    times.set(name, (times.get(name) ?? 0) + ticks / CLOCK_TICKS_PER_SECOND)
  }
  return times
}

/** @param path of a process or a thread, as in proc_pid_stat(5): fields 14 and 15 are its times */
function statOf(path: string): { readonly command: string; readonly ticks: number } {
  const stat = readFileSync(path, 'utf8')
  const end = stat.lastIndexOf(')')
  // The command may contain blanks; the text after it begins with the third field.
  const fields = stat.slice(end + 2).split(' ')
  return { command: stat.slice(stat.indexOf('(') + 1, end), ticks: Number(fields[11]) + Number(fields[12]) }
}

export interface Memory {
  /** Millions of bytes that are resident. */
  readonly residentMb: number
  /** Of those, its own: not pages of files that other processes share. */
  readonly anonymousMb: number
  /** The most that was resident since it began. */
  readonly peakMb: number
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (field: string) =>
    Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 0.01024) / 10
  return { residentMb: megabytes('VmRSS'), anonymousMb: megabytes('RssAnon'), peakMb: megabytes('VmHWM') }
}
