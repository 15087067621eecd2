/**
 * Loaded before a program (`node --import=…/stepped-clock.ts?steps=3600000,-7200000`): each SIGUSR2 sets the program's
 * wall clock by the next of these steps, in milliseconds. The monotonic clock goes on, as when an administrator sets
 * the time.
 */
const steps = (new URL(import.meta.url).searchParams.get('steps') ?? '').split(',').map(Number)
const realNow = Date.now
let shiftMs = 0

Date.now = () => realNow() + shiftMs
process.on('SIGUSR2', () => {
  shiftMs += steps.shift() ?? 0
})

export {}
