/** A client behind the router that talks to the Service's address without a pause. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { toolPath } from '../../testkit/cluster/tools.ts'
import { type Meeting, VIP } from './meeting.ts'

const INTERVAL_SECONDS = 0.01
/** These have a FIB of their own, the kernel's; of the others the RIB is watched. */
const FORWARDS = new Set(['frr', 'bird'])

export interface Traffic {
  /** Lets it run on for so long: what is watched for is that nothing happens. */
  pass(ms: number): Promise<void>
  assertNothingLost(): Promise<void>
}

/** Needs the route in the router. */
export function watchTraffic(meeting: Meeting): Promise<Traffic> {
  return FORWARDS.has(meeting.router.kind) ? pingThrough(meeting) : watchRib(meeting)
}

async function pingThrough(meeting: Meeting): Promise<Traffic> {
  // On the same bridge, but of another network: the way back goes by the router too.
  meeting.routerHost.run('ip', 'address', 'add', '203.0.113.1/24', 'dev', 'eth0')
  const client = meeting.lan.add({ name: 'client', addresses: ['203.0.113.9/24'] })
  client.run('ip', 'route', 'add', 'default', 'via', '203.0.113.1')
  meeting.nodeHost.run('ip', 'address', 'add', `${VIP}/32`, 'dev', 'lo')
  meeting.nodeHost.run('ip', 'route', 'add', '203.0.113.0/24', 'via', '192.0.2.1')
  const ping = client.spawn(toolPath('ping')!, ['-n', '-i', String(INTERVAL_SECONDS), '-w', '60', VIP], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  ping.stdout!.on('data', (chunk: Buffer) => {
    output += chunk
  })
  return {
    pass: (ms) => delay(ms).then(() => undefined),
    async assertNothingLost() {
      ping.kill('SIGINT')
      await once(ping, 'close')
      const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(output) ?? []
      assert.ok(Number(sent) > 100, output.slice(-300))
      // The last one may still be on its way.
      assert.ok(Number(sent) - Number(received) <= 1, `${sent} sent, ${received} answered`)
    },
  }
}

async function watchRib(meeting: Meeting): Promise<Traffic> {
  let lost = 0
  let looked = 0
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      const routes = await meeting.router.routes()
      looked += 1
      if (!routes.some(({ prefix }) => prefix === `${VIP}/32`)) lost += 1
    }
  })()
  return {
    pass: (ms) => delay(ms).then(() => undefined),
    async assertNothingLost() {
      isOver = true
      await watching
      assert.equal(lost, 0, `the route was missing ${lost} of ${looked} times`)
    },
  }
}
