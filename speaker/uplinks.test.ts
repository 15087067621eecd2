import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventToRaise } from '../operator/index.ts'
import { silentLog } from '../runtime/log.ts'
import { Metrics } from '../runtime/metrics.ts'
import { Uplinks } from './uplinks.ts'

test('an uplink that is lost, and back, is told on the Node and measured', async () => {
  const events: EventToRaise[] = []
  const metrics = new Metrics()
  const uplinks = new Uplinks({ node: 'alpha', log: silentLog, metrics, raise: (event) => void events.push(event) })
  const value = async () => (await metrics.registry.metrics()).match(/^invar_uplink_reachable\{.*/m)?.[0]
  const take = (reachable: boolean) =>
    uplinks.take({ kind: 'uplink', interface: 'eth0', target: '192.0.2.1', reachable })
  take(true)
  assert.equal(events.length, 0)
  assert.equal(await value(), 'invar_uplink_reachable{interface="eth0",target="192.0.2.1"} 1')
  take(false)
  take(false)
  assert.equal(await value(), 'invar_uplink_reachable{interface="eth0",target="192.0.2.1"} 0')
  take(true)
  assert.deepEqual(
    events.map(({ object, type, reason }) => [object.kind, object.uid, type, reason]),
    [
      ['Node', 'alpha', 'Warning', 'uplinkLost'],
      ['Node', 'alpha', 'Normal', 'uplinkBack'],
    ],
  )
})
