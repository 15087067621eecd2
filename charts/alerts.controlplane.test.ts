/** The alerts of the chart as Prometheus' own tool judges them: each one fires, and clears. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseAllDocuments, stringify } from 'yaml'
import { CHART } from '../build/chart.ts'
import { familiesOf } from '../build/metrics/catalogue.ts'
import { grafanaDashboard } from '../build/metrics/grafana.ts'
import { strangersIn } from '../build/metrics/references.ts'
import { require } from '../testkit/privilege.ts'
import { requireHelm } from '../testkit/programs.ts'
import { promtoolPath } from '../testkit/promtool.ts'
import { ALERT_SCENARIOS, type AlertScenario } from './alert-scenarios.ts'

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

let folder: string
let rules: readonly Rule[]

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'invar-alerts-'))
  const groups = rendered('--set', 'prometheus.prometheusRule.enabled=true')
  rules = groups.flatMap((group) => group.rules)
  writeFileSync(join(folder, 'rules.yaml'), stringify({ groups }))
})

after(() => rmSync(folder, { recursive: true, force: true }))

/** The groups of rules in what the chart renders: nothing is tested but that. */
function rendered(...args: readonly string[]): readonly { readonly name: string; readonly rules: readonly Rule[] }[] {
  return renderedObject('PrometheusRule', ...args)?.spec.groups ?? []
}

// biome-ignore lint/suspicious/noExplicitAny: what helm prints
function renderedObject(wanted: string, ...args: readonly string[]): any {
  const command = ['template', 'lb', CHART, '--namespace', 'metallb-system', ...args]
  const text = execFileSync(requireHelm(), command, { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder } })
  const objects = parseAllDocuments(text).map((document) => document.toJS())
  return objects.find(({ kind, metadata }) => `${kind} ${metadata.name}`.startsWith(wanted))
}

function promtool(...args: readonly string[]) {
  return spawnSync(promtoolPath()!, args, { encoding: 'utf8', cwd: folder })
}

function alerts(): readonly Rule[] {
  return rules.filter(({ alert }) => alert !== undefined)
}

/** As promtool wants to read it: at each minute, the cases of the alert that fire. */
function testFile({ alert, name, series, silentAt, firesAt }: AlertScenario): object {
  const firing = `ALERTS{alertname="${alert}",alertstate="firing"}`
  const silent = silentAt.map((minute) => ({ eval_time: `${minute}m`, expr: firing, exp_samples: [] }))
  const loud = Object.entries(firesAt).map(([minute, cases]) => ({
    eval_time: `${minute}m`,
    expr: `count by (${Object.keys(cases[0]!).join(', ')}) (${firing})`,
    exp_samples: cases.map((labels) => ({ labels: labelText(labels), value: 1 })),
  }))
  const input = Object.entries(series).map(([of, values]) => ({ series: of, values }))
  const tests = [{ name, interval: '1m', input_series: input, promql_expr_test: [...silent, ...loud] }]
  return { rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return `{${pairs.join(', ')}}`
}

describe('alerts', () => {
  test('promtool takes the rules', (t) => {
    if (!require(t, promtoolPath() !== undefined, 'promtool: run `node build/packages.ts`')) return
    const { status, stdout, stderr } = promtool('check', 'rules', '--lint=all', 'rules.yaml')
    assert.equal(status, 0, stdout + stderr)
  })

  test('rules name metrics and labels that the programs expose', () => {
    const families = [...familiesOf('controller'), ...familiesOf('speaker')]
    for (const { expr } of rules) assert.deepEqual(strangersIn(expr, families), [], expr)
  })

  test('every alert has a scenario, and none is about an alert that is not there', () => {
    const names = (list: readonly { readonly alert?: string }[]) => [...new Set(list.map(({ alert }) => alert))].sort()
    assert.deepEqual(names(ALERT_SCENARIOS), names(alerts()))
  })

  test('every alert says what is wrong and what to do, and how bad it is', () => {
    for (const { alert = '', labels, annotations } of alerts()) {
      assert.match(annotations?.summary ?? '', /^[A-Z].{15,}[^.]$/, alert)
      assert.match(annotations?.description ?? '', /^.{60,}\.$/, alert)
      assert.match(labels?.severity ?? '', /^(warning|critical)$/, alert)
    }
  })

  for (const scenario of ALERT_SCENARIOS) {
    test(`${scenario.alert}: ${scenario.name}`, (t) => {
      if (!require(t, promtoolPath() !== undefined, 'promtool: run `node build/packages.ts`')) return
      writeFileSync(join(folder, 'scenario.yaml'), stringify(testFile(scenario)))
      const { status, stdout, stderr } = promtool('test', 'rules', 'scenario.yaml')
      assert.equal(status, 0, stdout + stderr)
    })
  }

  test('a threshold of its own makes an alert of its own, pools can be left out, and an alert can be switched off', () => {
    const set = (key: string, value: string) => ['--set', `prometheus.prometheusRule.${key}=${value}`]
    const groups = rendered(
      ...set('enabled', 'true'),
      ...set('addressPoolUsage.thresholds[0].percent', '60'),
      ...set('addressPoolExhausted.excludePools', 'single-.*'),
      ...set('speakerDown.enabled', 'false'),
      ...set('recordingRules.enabled', 'false'),
    )
    assert.equal(groups.length, 1)
    const byName = new Map(groups[0]!.rules.map((rule) => [rule.alert, rule]))
    assert.match(byName.get('MetalLBAddressPoolUsage60Percent')?.expr ?? '', /> 60$/)
    assert.match(byName.get('MetalLBAddressPoolExhausted')?.expr ?? '', /pool!~"single-\.\*"/)
    assert.equal(byName.has('InvarSpeakerDown'), false)
  })
})

describe('the dashboard', () => {
  const NAME = 'ConfigMap lb-invar-dashboard'

  test('is installed when it is asked for, where Grafana looks for it', () => {
    assert.equal(renderedObject(NAME), undefined)
    const set = ['prometheus.dashboard.enabled=true', 'prometheus.dashboard.namespace=monitoring']
    const { metadata, data } = renderedObject(NAME, ...set.flatMap((value) => ['--set', value]))
    assert.equal(metadata.namespace, 'monitoring')
    assert.equal(metadata.labels.grafana_dashboard, '1')
    assert.deepEqual(JSON.parse(data['invar.json']), JSON.parse(grafanaDashboard()))
  })
})
