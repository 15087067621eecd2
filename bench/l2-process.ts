/** What the kernel says of a process: the processor time of its threads, and its memory. */
import { readdirSync, readFileSync } from 'node:fs'

const CLOCK_TICKS_PER_SECOND = 100

/** User and system time in seconds since it began, by the name of the thread. */
export function cpuSecondsByThread(pid: number): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8')
    const name = task === String(pid) ? 'main' : stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    // Fields 14 and 15 of proc_pid_stat(5); the text after the name begins with the third.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    times.set(name, (times.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND)
  }
  return times
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
