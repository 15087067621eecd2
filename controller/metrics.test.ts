import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, Ledger, requestOf } from '../core/allocate/index.ts'
import { compile } from '../core/config/index.ts'
import { clientMetrics } from '../operator/index.ts'
import { Metrics } from '../runtime/metrics.ts'
import { pool, resources } from '../testkit/resources.ts'
import { exposeController, reconcileObserver } from './metrics.ts'

/** The names and labels that dashboards and alerts know, and those that MetalLB does not have. */
const SERIES = [
  'metallb_allocator_addresses_total{pool="lan"} 4',
  'metallb_allocator_ipv4_addresses_total{pool="lan"} 4',
  'metallb_allocator_ipv6_addresses_total{pool="lan"} 0',
  'metallb_allocator_addresses_in_use_total{pool="lan"} 1',
  'metallb_allocator_ipv4_addresses_in_use_total{pool="lan"} 1',
  'metallb_allocator_ipv6_addresses_in_use_total{pool="lan"} 0',
  'metallb_allocator_services_allocated_total{pool="lan"} 1',
  'metallb_k8s_client_updates_total 1',
  'metallb_k8s_client_update_errors_total 0',
  'metallb_k8s_client_config_loaded_bool 1',
  'metallb_k8s_client_config_stale_bool 0',
  'invar_controller_quarantined_addresses{pool="lan"} 1',
  'invar_controller_departing_services 2',
  'invar_controller_queue_depth 3',
  'invar_controller_leader 1',
  'invar_reconcile_queue_seconds_count 1',
  'invar_reconcile_duration_seconds_count{outcome="done"} 1',
  'invar_api_request_duration_seconds_count{verb="patch",resource="services",code="200"} 1',
]

test('every metric of the controller, and the series of a pool go with it', async () => {
  const [metrics, ledger] = [new Metrics(), new Ledger()]
  exposeController(metrics, () => ({ ledger, depth: 3, departing: 2, isLeader: true }))
  const client = clientMetrics(metrics)
  ledger.configure(compile(resources([pool('lan', { addresses: ['192.0.2.0/30'] })])).snapshot)
  const spec = { type: 'LoadBalancer', clusterIPs: ['10.96.0.1'], ports: [{ port: 80 }] }
  decide(ledger, requestOf({ metadata: { name: 'web', namespace: 'default' }, spec }), 0)
  ledger.quarantine({ address: '192.0.2.3', because: 'test', isUnusable: false, isOver: false })
  ledger.quarantine({ address: '203.0.113.9', because: 'in no pool', isUnusable: false, isOver: false })
  client.countUpdate()
  client.configured([])
  client.observeRequest({ verb: 'patch', resource: 'services', code: '200', durationMs: 3 } as never)
  reconcileObserver(metrics)({ key: 'default/web', outcome: { kind: 'done' }, waitedMs: 1, workedMs: 2 })
  const lines = (await metrics.text()).split('\n')
  assert.deepEqual(
    SERIES.filter((line) => !lines.includes(line)),
    [],
  )
  ledger.configure(compile(resources([])).snapshot)
  assert.doesNotMatch(await metrics.text(), /pool="lan"/)
})
