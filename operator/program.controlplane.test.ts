/** The frame of a program, and what it takes over from the base class, on the real API server. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ResourceEvent } from '@dot-i/k8s-operator'
import { systemClock } from '../runtime/clock.ts'
import { silentLog } from '../runtime/log.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { unless } from './api-error.ts'
import type { Informer } from './informer.ts'
import { InvarOperator } from './program.ts'
import { DONE, type Reconciler } from './reconcile.ts'
import { CONFIG_MAPS, type ConfigMap } from './resources.ts'

let plane: ControlPlane

before(async () => {
  plane = await startControlPlane()
})

after(() => plane.stop())

function settings(): ConstructorParameters<typeof InvarOperator>[0] {
  const source = { kind: 'file', path: plane.kubeconfig } as const
  return { source, userAgent: 'invar-test', clock: systemClock, random: Math.random, log: silentLog }
}

/** Writes `seen: yes` into every ConfigMap of the namespace `default` that asks for it. */
class Greeter extends InvarOperator {
  configMaps!: Informer<ConfigMap>
  reconciler!: Reconciler
  order: string[] = []

  protected override async init(): Promise<void> {
    this.configMaps = this.follow(CONFIG_MAPS, { selection: { namespace: 'default' } })
    this.reconciler = this.work({
      allKeys: () => this.configMaps.store.keys(),
      onFault: (_, error) => {
        throw error
      },
      reconcile: async (key) => {
        this.order.push('reconcile')
        const object = this.configMaps.store.get(key)
        if (object?.data?.greet !== 'me') return DONE
        await this.client.patch(CONFIG_MAPS, object.metadata, { data: { greet: null, seen: 'yes' } })
        return DONE
      },
    })
    this.configMaps.onChange((change) => this.reconciler.add(change.key))
  }

  protected override synced(): void {
    this.order.push('synced')
  }
}

test('follows, syncs, then works, and stops', async () => {
  plane.kubectl(['create', 'configmap', 'before', '--from-literal=greet=me'])
  const program = new Greeter(settings())
  assert.deepEqual(program.notSynced(), [])
  await program.start()
  assert.equal(program.order[0], 'synced')
  assert.ok(program.lastContactAt !== undefined)
  plane.kubectl(['create', 'configmap', 'later', '--from-literal=greet=me'])
  const greeted = new Promise<void>((resolve) => {
    const waiting = new Set(['default/before', 'default/later'])
    program.configMaps.onChange((change) => {
      if (change.kind !== 'delete' && change.object.data?.seen === 'yes') waiting.delete(change.key)
      if (waiting.size === 0) resolve()
    })
  })
  await greeted
  await program.stop()
  plane.kubectl(['create', 'configmap', 'after', '--from-literal=greet=me'])
  assert.equal(plane.kubectl(['get', 'configmap', 'after', '-o', 'jsonpath={.data.greet}']), 'me')
})

test('a program that is stopped before it has synced ends', async () => {
  const program = new Greeter(settings())
  const starting = program.start()
  await program.stop()
  await starting
  assert.deepEqual(program.order, [])
})

/** Uses what the base class offers: `watchResource` and `handleResourceFinalizer`. */
class Finalizer extends InvarOperator {
  readonly events: string[] = []
  readonly cleanedUp = Promise.withResolvers<void>()

  protected override async init(): Promise<void> {
    const onEvent = async (event: ResourceEvent): Promise<void> => {
      this.events.push(`${event.type} ${event.meta.name}`)
      await this.handleResourceFinalizer(event, 'invar.dev/test', async () => {
        this.events.push(`cleaned up ${event.meta.name}`)
        this.cleanedUp.resolve()
      })
    }
    await this.watchResource('', 'v1', 'configmaps', onEvent, 'finalized')
  }
}

test('the finalizer of the base class on our informer: added, run once, removed', async () => {
  plane.kubectl(['create', 'namespace', 'finalized'])
  const program = new Finalizer(settings())
  await program.start()
  const name = { namespace: 'finalized', name: 'a' }
  await program.client.create(CONFIG_MAPS, { metadata: name })
  const finalizers = async (): Promise<readonly string[]> =>
    (await program.client.get(CONFIG_MAPS, name)).metadata.finalizers ?? []
  while ((await finalizers()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  await program.client.delete(CONFIG_MAPS, name)
  await program.cleanedUp.promise
  const get = () => unless(['not-found'], program.client.get(CONFIG_MAPS, name))
  while ((await get()) !== undefined) await new Promise((resolve) => setTimeout(resolve, 10))
  await program.stop()
  assert.deepEqual(program.events.filter((event) => event.endsWith(' a')).slice(0, 4), [
    'ADDED a',
    'MODIFIED a',
    'MODIFIED a',
    'cleaned up a',
  ])
})
