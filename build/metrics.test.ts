import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CHART } from './chart.ts'
import { familiesOf } from './metrics/catalogue.ts'
import { ROWS } from './metrics/dashboard.ts'
import { grafanaDashboard } from './metrics/grafana.ts'
import { referencesIn, strangersIn } from './metrics/references.ts'
import { METRICS_PAGE, metricsPage } from './metrics.ts'

const FAMILIES = [...familiesOf('controller'), ...familiesOf('speaker')]

test('docs/metrics.md is what the programs register (mend with: node build/metrics.ts)', () => {
  assert.equal(readFileSync(METRICS_PAGE, 'utf8'), metricsPage())
})

test('docs/metrics.md names every alert of the chart, and none beside them', () => {
  const template = readFileSync(join(CHART, 'templates/prometheus-rules.yaml'), 'utf8')
  // Of several with thresholds in their names the page writes one out.
  const names = [...template.matchAll(/- alert: (\w+)(\{\{)?/g)].map(([, name, more]) =>
    more ? `${name}75Percent` : name!,
  )
  const told = [...metricsPage().matchAll(/^\| `((?:MetalLB|Invar)\w+)`/gm)].map(([, name]) => name!)
  assert.deepEqual(told, names)
})

test('every metric says what it is, and programs that share one agree about it', () => {
  for (const { name, help } of FAMILIES) assert.match(help, /^[A-Z0-9].{7,}[^.]$/, name)
  for (const family of familiesOf('controller')) {
    const theirs = familiesOf('speaker').find(({ name }) => name === family.name)
    if (theirs !== undefined) assert.deepEqual(theirs, family)
  }
})

describe('references in an expression', () => {
  const known = [
    { name: 'metallb_bgp_session_up', type: 'gauge', labels: ['peer', 'vrf'] },
    { name: 'invar_reconcile_queue_seconds', type: 'histogram', labels: [] },
  ]

  test('metrics, and labels in selectors and groupings', () => {
    const expression =
      'sum by (peer, le) (rate(metallb_bgp_session_up{vrf!="a{b",peer=~"x.*"}[5m])) / on(node) up{job="y"}'
    assert.deepEqual(referencesIn(expression), {
      metrics: ['metallb_bgp_session_up', 'up'],
      labels: ['vrf', 'peer', 'job', 'le', 'node'],
    })
  })

  test('the name of a recorded series is no metric', () => {
    assert.deepEqual(referencesIn('peer:metallb_bgp_session_up:min == 0').metrics, [])
  })

  const RIGHT = [
    'metallb_bgp_session_up{peer="a"} == 0',
    'histogram_quantile(0.9, sum by (le) (rate(invar_reconcile_queue_seconds_bucket[5m])))',
    'rate(process_cpu_seconds_total{pod="a"}[5m])',
  ]
  for (const expression of RIGHT)
    test(`nothing strange in ${expression}`, () => assert.deepEqual(strangersIn(expression, known), []))

  const WRONG = {
    'metallb_bgp_session_upp == 0': ['metallb_bgp_session_upp'],
    'metallb_bgp_session_up{pool="a"}': ['pool'],
    'sum by (colour) (metallb_bgp_session_up)': ['colour'],
    'rate(metallb_bgp_session_up_count[5m])': ['metallb_bgp_session_up_count'],
    invar_reconcile_queue_seconds: ['invar_reconcile_queue_seconds'],
  }
  for (const [expression, strangers] of Object.entries(WRONG)) {
    test(`named as strange in ${expression}: ${strangers}`, () =>
      assert.deepEqual(strangersIn(expression, known), strangers))
  }
})

describe('the dashboard', () => {
  const panels = ROWS.flatMap((row) => row.panels)

  for (const { title, shows } of panels) {
    test(`${title}: shows metrics and labels that are exposed`, () => {
      for (const [expression, legend] of Object.entries(shows)) {
        assert.deepEqual(strangersIn(expression, FAMILIES), [], expression)
        const labels = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label).join()
        const grouped = `${expression.replace(/\{.*?\}/g, '')} by (${labels})`
        assert.deepEqual(strangersIn(grouped, FAMILIES), [], `the legend ${legend}`)
      }
    })
  }

  test('shows every family but those that say the same in another way', () => {
    const shown = new Set(panels.flatMap(({ shows }) => Object.keys(shows).flatMap((one) => referencesIn(one).metrics)))
    const parts = (name: string) => [name, `${name}_bucket`, `${name}_count`]
    const missing = FAMILIES.filter(({ name }) => !parts(name).some((part) => shown.has(part))).map(({ name }) => name)
    const detail =
      /^metallb_(bfd|bgp)_(control|echo|zebra|session_up_events|keep|notif|opens_sent|received_p|route_r|updates)/
    const elsewhere = [
      ...['metallb_allocator_ipv4_addresses_total', 'metallb_allocator_ipv6_addresses_total'],
      ...['metallb_k8s_client_config_loaded_bool', 'invar_layer2_address_conflicts_total'],
      ...['invar_page_readers', 'invar_page_readers_dropped_total'],
    ]
    assert.deepEqual(
      missing.filter((name) => !detail.test(name) && !elsewhere.includes(name)),
      [],
    )
  })

  test('no panel lies on another, and none beyond the edge', () => {
    const { panels: placed } = JSON.parse(grafanaDashboard()) as {
      panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[]
    }
    const cells = new Set<string>()
    for (const { id, gridPos } of placed) {
      assert.ok(gridPos.x + gridPos.w <= 24, `panel ${id}`)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!cells.has(`${x} ${y}`), `panel ${id} at ${x}, ${y}`)
          cells.add(`${x} ${y}`)
        }
      }
    }
    assert.equal(new Set(placed.map(({ id }) => id)).size, placed.length)
  })
})
