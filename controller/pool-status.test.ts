import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger } from '../core/allocate/index.ts'
import { compile } from '../core/config/index.ts'
import { type IP_ADDRESS_POOLS, Store } from '../operator/index.ts'
import { systemRandom } from '../runtime/random.ts'
import { NAMESPACE, pool, resources } from '../testkit/resources.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { PoolStatus } from './pool-status.ts'

type StoredPool = NonNullable<(typeof IP_ADDRESS_POOLS)['objects']>

/** Pools in a ledger and a store, and the names of those whose status is written. */
function world() {
  const [clock, ledger, pools] = [new VirtualClock(), new Ledger(), new Store<StoredPool>()]
  const written: string[] = []
  const patch = async (_: unknown, { name }: { name: string }): Promise<never> => {
    written.push(name)
    return undefined as never
  }
  const poolStatus = new PoolStatus({
    client: { patch } as never,
    ...{ namespace: NAMESPACE, ledger, pools, clock, random: systemRandom },
    guard: (write) => write({} as never),
    onFault: (_, error) => assert.fail(String(error)),
  })
  const have = (...names: readonly string[]): void => {
    const all = names.map((name, index) => pool(name, { addresses: [`192.0.2.${index}/32`] }) as StoredPool)
    for (const one of all) pools.set(`${NAMESPACE}/${one.metadata.name}`, one)
    ledger.configure(compile(resources(all)).snapshot)
    poolStatus.touched()
  }
  const settle = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await new Promise(setImmediate)
  }
  return { poolStatus, written, have, settle }
}

test('a pool that comes while the write for others waits is written with them (it was forgotten)', async () => {
  const { poolStatus, written, have, settle } = world()
  have('a')
  poolStatus.start()
  await settle(400)
  have('a', 'b')
  await settle(100)
  assert.deepEqual(written, ['a', 'b'])
})

test('steady change does not put the write off', async () => {
  const { poolStatus, written, have, settle } = world()
  have('a')
  poolStatus.start()
  for (let touches = 0; touches < 5; touches++) {
    await settle(100)
    poolStatus.touched()
  }
  assert.deepEqual(written, ['a'])
})
