/**
 * A program that does nothing but want to be the leader, and write as fast as it can while it is. Run as a process of
 * its own by the leader's tests, which kill, freeze and thaw it and then read the API server's audit log.
 *
 * Usage: node lease-contender.ts KUBECONFIG NAMESPACE IDENTITY LEASE_MS DEADLINE_MS RETRY_MS
 */
import { ApiError, Client, Leader } from '../operator/index.ts'
import { CONFIG_MAPS } from '../operator/resources.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'

const [path = '', namespace = '', identity = '', leaseMs, deadlineMs, retryMs] = process.argv.slice(2)
const source = { kind: 'file', path } as const
const userAgent = identity

const leases = new Client({ source, clock: systemClock, userAgent })
const client = new Client({ source, clock: systemClock, userAgent })
let term = 0

const leader = new Leader({
  client: leases,
  namespace,
  name: 'contended',
  identity,
  timing: {
    leaseDurationMs: Number(leaseMs),
    renewDeadlineMs: Number(deadlineMs),
    retryPeriodMs: Number(retryMs),
  },
  clock: systemClock,
  random: systemRandom,
  onElected: () => {
    term++
    say('elected')
    for (let i = 0; i < 4; i++) void writeWhileLeader(term, `${identity}-${i}`)
  },
  onDeposed: (because) => say(`deposed: ${because}`),
})

async function writeWhileLeader(began: number, name: string): Promise<void> {
  for (let count = 0; began === term; count++) {
    try {
      await leader.guard((fence) =>
        client.patch(CONFIG_MAPS, { namespace, name: 'written' }, { data: { [name]: String(count) } }, fence),
      )
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.kind === 'fenced') {
        say(`fenced: ${error.message}`)
        return
      }
    }
  }
}

function say(what: string): void {
  process.stdout.write(`${what}\n`)
}

process.on('SIGTERM', () => {
  void leader.stop().then(() => process.exit(0))
})
// It ends with the test that started it, whatever ends that; until then this keeps it alive.
process.stdin.resume().on('end', () => process.exit(1))
leader.start()
