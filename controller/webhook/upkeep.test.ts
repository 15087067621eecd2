/** The leader's work on Secret and ValidatingWebhookConfiguration over the years, in virtual time. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { ApiError, type Client, type Fence } from '../../operator/index.ts'
import { silentLog } from '../../runtime/log.ts'
import { VirtualClock } from '../../testkit/virtual-clock.ts'
import { textsOfSecret } from './certificate-texts.ts'
import { Upkeep, type ValidatingWebhookConfiguration } from './upkeep.ts'

const DAY_MS = 86_400_000
const HALF_DAY_MS = DAY_MS / 2
type Data = Readonly<Record<string, string>>

/** What the API server holds, and what was written to it. */
let secret: { data: Data; version: number } | undefined
let caBundle: string | undefined
let hasConfiguration: boolean
let writes: string[]
let isLeader: boolean
let clock: VirtualClock

function missing(): never {
  throw new ApiError('not-found', 'not found')
}

const client = {
  get: async ({ kind }: { kind: string }) => {
    if (kind !== 'Secret') return hasConfiguration ? configuration() : missing()
    return secret === undefined
      ? missing()
      : { metadata: { name: 's', resourceVersion: String(secret.version) }, data: secret.data }
  },
  create: async (_: unknown, { data }: { data: Data }) => {
    writes.push('create Secret')
    secret = { data, version: 1 }
  },
  patch: async (
    { kind }: { kind: string },
    _: unknown,
    patch: { metadata: { resourceVersion: string }; data: Data },
  ) => {
    if (kind === 'Secret' && patch.metadata.resourceVersion !== String(secret!.version))
      throw new ApiError('conflict', 'conflict')
    writes.push(`patch ${kind}`)
    if (kind === 'Secret') secret = { data: { ...secret!.data, ...patch.data }, version: secret!.version + 1 }
    else caBundle = (patch as unknown as ValidatingWebhookConfiguration).webhooks![0]!.clientConfig!.caBundle
  },
} as unknown as Client

function configuration(): ValidatingWebhookConfiguration {
  const clientConfig = caBundle === undefined ? {} : { caBundle }
  return { metadata: { name: 'c', resourceVersion: '1' }, webhooks: [{ name: 'w', clientConfig }] }
}

function newUpkeep(): Upkeep {
  return new Upkeep({
    ...{ client, clock, namespace: 'metallb-system', secretName: 's', configurationName: 'c', dnsName: 'w.n.svc' },
    handoverMs: 30_000,
    guard: async (write) => {
      if (!isLeader) throw new ApiError('fenced', 'not the leader')
      return write({} as Fence)
    },
    onIssued: () => undefined,
    ...{ random: () => 0.5, log: silentLog },
    onFault: (error) => assert.fail(String(error)),
  })
}

beforeEach(() => {
  secret = undefined
  caBundle = undefined
  hasConfiguration = true
  writes = []
  isLeader = true
  clock = new VirtualClock()
})

/** Until it waits for its next look (or for the end of a handover), which is a timer of that length. */
async function waiting(delayMs: number, change: () => void): Promise<void> {
  change()
  await clock.whenArmed(delayMs)
}

const authorities = (): number =>
  textsOfSecret({ metadata: { name: 's' }, ...secret }).authority.split('BEGIN').length - 1
const trusts = (): boolean => caBundle === secret?.data['ca.crt']

test('nothing there: certificates first, then trust; the next look, half a day later, writes nothing', async () => {
  const upkeep = newUpkeep()
  await waiting(HALF_DAY_MS, () => upkeep.start())
  assert.deepEqual(writes, ['create Secret', 'patch ValidatingWebhookConfiguration'])
  assert.ok(trusts() && upkeep.trusted !== undefined)
  await waiting(HALF_DAY_MS, () => clock.advance(HALF_DAY_MS))
  assert.equal(writes.length, 2)
  await upkeep.stop()
})

test('an empty Secret, as it is shipped: filled', async () => {
  secret = { data: {}, version: 1 }
  const upkeep = newUpkeep()
  await waiting(HALF_DAY_MS, () => upkeep.start())
  assert.deepEqual(writes, ['patch Secret', 'patch ValidatingWebhookConfiguration'])
  await upkeep.stop()
})

test('no ValidatingWebhookConfiguration: nothing to wait for; trusted as soon as there is one', async () => {
  hasConfiguration = false
  const upkeep = newUpkeep()
  await waiting(HALF_DAY_MS, () => upkeep.start())
  assert.deepEqual(writes, ['create Secret'])
  assert.ok(upkeep.trusted !== undefined)
  hasConfiguration = true
  await waiting(HALF_DAY_MS, () => upkeep.touched())
  assert.ok(trusts())
  await upkeep.stop()
})

test('after 275 days the server certificate is renewed, and trust need not change', async () => {
  const upkeep = newUpkeep()
  await waiting(HALF_DAY_MS, () => upkeep.start())
  const before = secret!.data
  clock.stepWall(274 * DAY_MS)
  await waiting(HALF_DAY_MS, () => clock.advance(HALF_DAY_MS))
  assert.equal(secret!.data, before)
  await waiting(HALF_DAY_MS, () => clock.advance(HALF_DAY_MS))
  assert.deepEqual(writes.slice(2), ['patch Secret'])
  assert.equal(secret!.data['ca.crt'], before['ca.crt'])
  assert.notEqual(secret!.data['tls.crt'], before['tls.crt'])
  await upkeep.stop()
})

test('after ten years the authority is: both are trusted first, and only then one signs for the other', async () => {
  const upkeep = newUpkeep()
  await waiting(HALF_DAY_MS, () => upkeep.start())
  clock.stepWall(3_600 * DAY_MS)
  await waiting(30_000, () => upkeep.touched())
  assert.deepEqual(writes.slice(2), ['patch ValidatingWebhookConfiguration'])
  await waiting(HALF_DAY_MS, () => clock.advance(30_000))
  assert.deepEqual(writes.slice(3), ['patch Secret'])
  assert.equal(authorities(), 2)
  assert.ok(trusts())
  await upkeep.stop()
})

test('who is deposed in the middle of that writes nothing more', async () => {
  const upkeep = newUpkeep()
  await waiting(HALF_DAY_MS, () => upkeep.start())
  clock.stepWall(3_600 * DAY_MS)
  await waiting(30_000, () => upkeep.touched())
  isLeader = false
  await upkeep.stop()
  assert.deepEqual(writes.slice(2), ['patch ValidatingWebhookConfiguration'])
})

test('not the leader: nothing is written', async () => {
  isLeader = false
  const upkeep = newUpkeep()
  upkeep.start()
  // It waits to try again.
  while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
  await upkeep.stop()
  assert.deepEqual(writes, [])
})
