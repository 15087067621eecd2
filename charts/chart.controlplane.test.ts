/** The chart: what it renders (golden files), what it refuses, and its life on a real API server. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { CHART } from '../build/chart.ts'
import { MANIFESTS, plainManifests } from '../build/manifests.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { requireHelm } from '../testkit/programs.ts'

const GOLDEN = join(import.meta.dirname, 'golden')
const OLD_VALUES = join(import.meta.dirname, 'values-of-metallb.yaml')
const NAMESPACE = 'metallb-system'

let plane: ControlPlane
let home: string

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'invar-helm-'))
  plane = await startControlPlane()
  plane.kubectl(['create', 'namespace', NAMESPACE])
})

after(async () => {
  await plane.stop()
  rmSync(home, { recursive: true, force: true })
})

/** Helm keeps what it caches in a folder of its own, and sees no cluster but ours. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: home, KUBECONFIG: plane.kubeconfig }
}

function helm(...args: readonly string[]): string {
  return execFileSync(requireHelm(), args, { encoding: 'utf8', env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
}

function render(...args: readonly string[]): string {
  return helm('template', 'lb', CHART, '--namespace', NAMESPACE, ...args)
}

/** Without the CRDs, whose text stands in crds/. */
function withoutCrds(rendered: string): string {
  return rendered
    .split(/^---\n/m)
    .filter((document) => !document.startsWith('# Source: invar/templates/crds.yaml'))
    .join('---\n')
}

interface Golden {
  readonly name: string
  readonly args: readonly string[]
}

const GOLDENS: readonly Golden[] = [
  { name: 'default', args: [] },
  { name: 'values-of-metallb', args: ['--values', OLD_VALUES] },
  {
    name: 'options',
    args: [
      ...['prometheus.serviceMonitor.enabled=true', 'prometheus.serviceAccount=p', 'prometheus.namespace=monitoring'],
      ...['controller.replicas=2', 'controller.podDisruptionBudget.enabled=true', 'speaker.memberlist.enabled=false'],
      ...['speaker.gratuitousArpInterval=60', 'controller.webhookMode=disabled', 'controller.cleanupFinalizer=true'],
      ...['speaker.netBindService=true', 'networkpolicies.enabled=true', 'controller.page.enabled=true'],
    ].flatMap((set) => ['--set', set]),
  },
]

suite('what the chart renders (renew with INVAR_GOLDEN=write)', () => {
  for (const { name, args } of GOLDENS) {
    test(name, () => {
      const file = join(GOLDEN, `${name}.yaml`)
      const rendered = withoutCrds(render(...args))
      if (process.env.INVAR_GOLDEN === 'write') writeFileSync(file, rendered)
      assert.equal(rendered, readFileSync(file, 'utf8'))
      for (const document of parseAllDocuments(rendered)) assert.deepEqual(document.errors, [])
    })
  }

  test('the plain manifests are what the chart renders (mend with: npm run generate)', () => {
    assert.equal(readFileSync(MANIFESTS, 'utf8'), plainManifests())
  })

  test('the policy that keeps speakers to their own nodes is left out where the API server is older than it', () => {
    const kind = /^kind: ValidatingAdmissionPolicy(Binding)?$/gm
    assert.equal(render('--kube-version', '1.30.0').match(kind)?.length, 2)
    assert.equal(render('--kube-version', '1.29.14').match(kind), null)
    assert.doesNotMatch(render('--set', 'speaker.ownNodeOnly.tokensWithoutNode=Allow'), /does not say on which node/)
  })

  test('speakers may read the Secrets that are named, and the key of membership, and where there is none no Secret', () => {
    const granted = (...values: readonly string[]) => {
      const rendered = render(...values.flatMap((value) => ['--set-json', value]))
      const role = rendered
        .split(/^---\n/m)
        .find((one) => /^kind: Role\n/m.test(one) && /name: lb-invar-speaker\n/.test(one))
      return /resources: \[secrets\]\n( +resourceNames: (.*)\n)? +verbs: \[list, watch\]/.exec(role!)
    }
    assert.equal(granted()?.[2], undefined)
    assert.equal(granted('speaker.passwordSecrets=["tor","spine"]')?.[2], '[lb-invar-memberlist, tor, spine]')
    assert.equal(granted('speaker.passwordSecrets=[]')?.[2], '[lb-invar-memberlist]')
    assert.equal(granted('speaker.passwordSecrets=[]', 'speaker.memberlist.enabled=false'), null)
  })

  test('an image of MetalLB in an old values file is not run', () => {
    const rendered = render('--values', OLD_VALUES)
    assert.match(rendered, /image: invar\.dev\/invar:/)
    assert.doesNotMatch(rendered, /quay\.io/)
  })
})

const REFUSED: readonly (readonly [name: string, sets: readonly string[], message: RegExp])[] = [
  [
    'no heartbeats, yet speakers on some nodes only',
    ['speaker.memberlist.enabled=false', 'speaker.nodeSelector.a=b'],
    /speaker\.memberlist\.enabled=false needs an empty speaker\.nodeSelector/,
  ],
  [
    'two kinds of monitors',
    ['prometheus.podMonitor.enabled=true', 'prometheus.serviceMonitor.enabled=true'],
    /scraped twice/,
  ],
  ['a monitor, and nobody who may read', ['prometheus.podMonitor.enabled=true'], /prometheus\.serviceAccount and/],
  ['a budget for one replica alone', ['controller.podDisruptionBudget.enabled=true'], /controller\.replicas=2/],
  ['two health ports', ['speaker.livenessProbe.port=1', 'speaker.readinessProbe.port=2'], /one port serves both/],
  ['a level of logs that there is not', ['speaker.logLevel=loud'], /logLevel/],
  ['a port out of range', ['speaker.memberlist.mlBindPort=70000'], /mlBindPort/],
  ['a mode that there is not', ['controller.webhookMode=sometimes'], /webhookMode/],
  ['a verdict that there is not', ['speaker.ownNodeOnly.tokensWithoutNode=Maybe'], /tokensWithoutNode/],
  ['a policy that there is not', ['crds.validationFailurePolicy=Warn'], /validationFailurePolicy/],
]

suite('what the chart refuses, with the remedy', () => {
  for (const [name, sets, message] of REFUSED) {
    test(name, () => {
      const args = ['template', 'lb', CHART, ...sets.flatMap((set) => ['--set', set])]
      const { status, stderr } = spawnSync(requireHelm(), args, { encoding: 'utf8', env: environment() })
      assert.notEqual(status, 0)
      assert.match(stderr, message)
    })
  }
})

suite('its life on an API server', { timeout: 120_000 }, () => {
  test('refuses a namespace where no speaker may run, and says how to label it', () => {
    const enforce = (standard: string): string =>
      plane.kubectl(['label', 'namespace', NAMESPACE, '--overwrite', `pod-security.kubernetes.io/enforce=${standard}`])
    enforce('baseline')
    const args = ['install', 'lb', CHART, '--namespace', NAMESPACE]
    const { status, stderr } = spawnSync(requireHelm(), args, { encoding: 'utf8', env: environment() })
    assert.notEqual(status, 0)
    assert.match(
      stderr,
      /enforces the pod security standard "baseline".*kubectl label namespace metallb-system --overwrite/,
    )
    enforce('privileged')
  })

  test('installs; the notes name what has no effect', () => {
    const values = ['--values', OLD_VALUES, '--set', 'prometheus.podMonitor.enabled=false']
    const rules = ['--set', 'prometheus.prometheusRule.enabled=false']
    const notes = helm('install', 'lb', CHART, '--namespace', NAMESPACE, ...values, ...rules)
    for (const key of ['controller.image', 'speaker.frr', 'bgpDebounceTimeout', 'wanConfig', 'tls.cipherSuites'])
      assert.match(notes, new RegExp(`^ {2}- ${key.replace('.', '\\.')}|${key}`, 'm'))
  })

  test('upgrades, and back', () => {
    helm('upgrade', 'lb', CHART, '--namespace', NAMESPACE)
    helm('rollback', 'lb', '1', '--namespace', NAMESPACE)
    helm('upgrade', 'lb', CHART, '--namespace', NAMESPACE)
  })

  test('uninstalling leaves the CRDs and the pools; installing again takes them over', () => {
    const pool = {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { name: 'first', namespace: NAMESPACE },
    }
    // Nobody serves the webhook here.
    helm('upgrade', 'lb', CHART, '--namespace', NAMESPACE, '--set', 'controller.webhookMode=disabled')
    plane.kubectl(['apply', '-f', '-'], JSON.stringify({ ...pool, spec: { addresses: ['192.0.2.0/24'] } }))
    helm('uninstall', 'lb', '--namespace', NAMESPACE)
    assert.match(plane.kubectl(['get', 'ipaddresspools', '-n', NAMESPACE, '-o', 'name']), /first/)
    assert.equal(plane.kubectl(['get', 'deployments,daemonsets', '-n', NAMESPACE, '-o', 'name']).trim(), '')
    helm('install', 'lb', CHART, '--namespace', NAMESPACE)
    assert.match(plane.kubectl(['get', 'ipaddresspools', '-n', NAMESPACE, '-o', 'name']), /first/)
  })
})
