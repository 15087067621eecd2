import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile } from '../core/config/index.ts'
import { Metrics } from '../runtime/metrics.ts'
import { peer, pool, resources } from '../testkit/resources.ts'
import { clientMetrics } from './client-metrics.ts'

const STALE: readonly [string, Parameters<typeof resources>[0], 0 | 1][] = [
  ['nothing is wrong', [pool('web')], 0],
  ['there is a notice', [peer('tor', { disableMP: true })], 0],
  ['an object is wrong', [pool('web', { addresses: ['192.0.2.300/32'] })], 1],
  [
    'an object waits for another (it read 0 beside a ConfigurationState that is Invalid)',
    [peer('tor', { bfdProfile: 'fast' })],
    1,
  ],
]

for (const [about, objects, expected] of STALE) {
  test(`config_stale is ${expected} where ${about}`, async () => {
    const metrics = new Metrics()
    clientMetrics(metrics).configured(compile(resources(objects)).problems)
    assert.match(await metrics.text(), new RegExp(`^metallb_k8s_client_config_stale_bool ${expected}$`, 'm'))
  })
}
