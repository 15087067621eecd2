/**
 * The migration on a real API server with its own controllers, where nothing runs but ourselves: what is changed, what is
 * left alone, and what helm makes of it. With programs and traffic: e2e/cluster/migrate.cluster.test.ts.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { CHART } from '../../build/chart.ts'
import { standInManifests, writeStandInChart } from '../../e2e/metallb/stand-in.ts'
import { Client, PODS, unless } from '../../operator/index.ts'
import { systemClock } from '../../runtime/clock.ts'
import { type ControlPlane, startControlPlane } from '../../testkit/controlplane.ts'
import { eventually } from '../../testkit/eventually.ts'
import { requireHelm } from '../../testkit/programs.ts'
import { bgp, l2, NAMESPACE, peer, pool } from '../../testkit/resources.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const NODES = ['node-a', 'node-b']

let plane: ControlPlane
let kubelet: Kubelet

before(async () => {
  plane = await startControlPlane({ controllerManager: true })
  plane.kubectl(['create', 'namespace', NAMESPACE])
  const labels = { 'kubernetes.io/os': 'linux' }
  for (const name of NODES) apply({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } })
  kubelet = new Kubelet(plane.kubeconfig)
})

after(async () => {
  await kubelet?.stop()
  await plane?.stop()
})

/** Says of every Pod that it is ready: all that the controllers of Deployments and DaemonSets want to know. */
class Kubelet {
  readonly #client: Client
  readonly #ended: Promise<void>
  #isRunning = true

  constructor(kubeconfig: string) {
    const source = { kind: 'file', path: kubeconfig } as const
    this.#client = new Client({ source, clock: systemClock, userAgent: 'kubelet' })
    this.#ended = this.#run()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#ended
    this.#client.close()
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      const { items } = await this.#client.list(PODS, { namespace: NAMESPACE })
      for (const { metadata, status } of items.filter((pod) => pod.status?.phase !== 'Running')) {
        const conditions = [{ type: 'Ready', status: 'True' }]
        const patch = { status: { ...status, phase: 'Running', conditions } }
        await unless(['not-found'], this.#client.patch(PODS, metadata, patch, { subresource: 'status' }))
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(program: string, args: readonly string[]): Promise<Ended> {
  const env = { PATH: process.env.PATH, HOME: plane.directory, KUBECONFIG: plane.kubeconfig }
  return new Promise((resolve) => {
    execFile(program, args, { cwd: ROOT, env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err })
    })
  })
}

function migrate(...flags: readonly string[]): Promise<Ended> {
  return run(process.execPath, ['cli/main.ts', 'migrate', 'from-metallb', ...flags])
}

async function migrated(code: number, ...flags: readonly string[]) {
  const ended = await migrate(...flags, '-o', 'json')
  assert.equal(ended.code, code, ended.err)
  return JSON.parse(ended.out)
}

function helm(...args: readonly string[]): Promise<Ended> {
  return run(requireHelm(), [...args, '--namespace', NAMESPACE])
}

function apply(...objects: readonly object[]): void {
  plane.kubectl(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'))
}

/** As MetalLB leaves a Service. */
function serve(name: string, ip: string, annotation: string): void {
  const metadata = { name, namespace: 'default', annotations: { [annotation]: 'web' } }
  apply({ apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } })
  const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip }] } } })
  plane.kubectl(['patch', 'service', name, '--subresource=status', '--type=merge', '-p', patch])
}

function withoutTime<T extends { readonly metadata: object }>({ metadata, ...rest }: T): object {
  const { creationTimestamp: _, ...kept } = metadata as { readonly creationTimestamp?: string }
  return { ...rest, metadata: kept }
}

/** Everything that a migration touches, as it is stored. */
function stored(): string {
  const kinds = 'deployments,daemonsets,pods,secrets,configmaps,services,clusterroles,clusterrolebindings'
  const more = 'customresourcedefinitions,validatingwebhookconfigurations'
  const path = 'jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.generation} {.metadata.uid}{"\\n"}{end}'
  return plane.kubectl(['get', `${kinds},${more}`, '-A', '-o', path])
}

function names(kind: string, ...flags: readonly string[]): readonly string[] {
  const output = plane.kubectl(['get', kind, '-n', NAMESPACE, '-o', 'name', ...flags]).trim()
  return output === '' ? [] : output.split('\n').map((line) => line.slice(line.indexOf('/') + 1))
}

/** There is nothing to wait for until the first one is made. */
async function podsOf(component: string): Promise<void> {
  const wait = ['wait', 'pods', '-n', NAMESPACE, '-l', `component=${component}`, '--for=condition=Ready']
  await eventually(() => plane.startKubectl([...wait, '--timeout=30s']), 30_000)
}

suite('from plain manifests, with frr-k8s', { timeout: 150_000 }, () => {
  before(async () => {
    const folder = join(plane.directory, 'plain')
    mkdirSync(folder)
    const values = ['bgpType=frr-k8s', 'speaker.extraArgs={--ml-wan-config}']
    const manifests = standInManifests(folder, ...values)
    const documents = manifests.split(/^---\n/m)
    const isDefinition = (text: string): boolean => /^kind: CustomResourceDefinition$/m.test(text)
    plane.kubectl(['apply', '-f', '-'], documents.filter(isDefinition).join('---\n'))
    plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
    // Before the webhook is there, which nobody serves here.
    apply(...[pool('web', { addresses: ['192.0.2.0/30'] }), l2('all'), peer('tor'), bgp('all')].map(withoutTime))
    plane.kubectl(['apply', '-f', '-'], documents.filter((text) => !isDefinition(text)).join('---\n'))
    const frr = { apiVersion: 'frrk8s.metallb.io/v1beta1', kind: 'FRRConfiguration' }
    for (const name of ['metallb-node-a', 'mine']) apply({ ...frr, metadata: { name, namespace: NAMESPACE } })
    apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bgpextras', namespace: NAMESPACE }, data: {} })
    const uid = plane.kubectl(['get', 'deployment', 'controller', '-n', NAMESPACE, '-o', 'jsonpath={.metadata.uid}'])
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'controller', uid }
    const metadata = { name: 'memberlist', namespace: NAMESPACE, ownerReferences: [owner] }
    apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { secretkey: 'k' } })
    serve('new', '192.0.2.1', 'metallb.io/ip-allocated-from-pool')
    serve('old', '192.0.2.2', 'metallb.universe.tf/ip-allocated-from-pool')
    await podsOf('controller')
    await podsOf('speaker')
  })

  test('a look changes nothing, and tells all', async () => {
    const before = stored()
    const look = await migrated(0)
    assert.deepEqual([look.phase, look.outcome, look.version], ['metallb-works', 'looked', 'v0.15.2'])
    const codes = look.findings.map(({ code }: { code: string }) => code).sort()
    const flags = ['flag-carried', 'flag-without-effect']
    assert.deepEqual(codes, ['bgp-extras', 'bgp-mode', ...flags, 'frr-configuration'].sort())
    assert.match(
      (await migrate()).out,
      /Then run:\n {2}kubectl apply -k deploy\/\n {2}invarctl migrate from-metallb --yes\n$/,
    )
    assert.equal(stored(), before)
  })

  test('an address that would not be kept stops it', async () => {
    serve('lost', '203.0.113.9', 'metallb.io/ip-allocated-from-pool')
    const before = stored()
    assert.equal((await migrated(1)).outcome, 'looked')
    const refused = await migrated(1, '--yes')
    assert.equal(refused.outcome, 'refused')
    assert.match(refused.findings[0].message, /default\/lost would move from 203\.0\.113\.9/)
    assert.equal(stored(), before)
    plane.kubectl(['delete', 'service', 'lost'])
  })

  test('first half: the controller goes, the Pods of the speakers stay, nothing else is touched', async () => {
    const speakers = names('pods', '-l', 'component=speaker')
    assert.equal((await migrated(0, '--yes')).outcome, 'done')
    assert.deepEqual(names('deployments'), [])
    assert.deepEqual(names('daemonsets'), ['frr-k8s'])
    assert.deepEqual(names('pods', '-l', 'invar.dev/left-by=metallb'), speakers)
    assert.deepEqual(names('pods', '-l', 'component=speaker'), [])
    assert.equal(plane.kubectl(['get', 'validatingwebhookconfigurations', '-o', 'name']), '')
    const owners = ['get', 'secret', 'memberlist', '-n', NAMESPACE, '-o', 'jsonpath={.metadata.ownerReferences}']
    assert.equal(plane.kubectl(owners), '')
    assert.deepEqual(names('ipaddresspools,l2advertisements,bgppeers,bgpadvertisements').length, 4)
  })

  test('run again before Invar is there, it says what is missing and does nothing', async () => {
    const before = stored()
    const again = await migrated(0, '--yes')
    assert.deepEqual([again.phase, again.steps], ['invar-missing', []])
    assert.deepEqual(again.next, ['kubectl apply -k deploy/', 'invarctl migrate from-metallb --yes'])
    assert.equal(stored(), before)
  })

  test('second half: what MetalLB told FRR, then the Pods, then what nobody uses; FRR stays for what the user told it', async () => {
    const left = names('pods', '-l', 'invar.dev/left-by=metallb')
    plane.kubectl(['apply', '-k', 'deploy'])
    await podsOf('controller')
    await podsOf('speaker')
    // The new DaemonSet has not taken the old Pods for its own.
    assert.deepEqual(names('pods', '-l', 'invar.dev/left-by=metallb'), left)
    const path = 'jsonpath={.spec.conversion.strategy}'
    assert.equal(plane.kubectl(['get', 'crd', 'bgppeers.metallb.io', '-o', path]), 'None')
    const done = await migrated(0, '--yes')
    assert.deepEqual([done.phase, done.outcome], ['hand-over', 'done'])
    assert.deepEqual(names('frrconfigurations'), ['mine'])
    assert.deepEqual(names('daemonsets'), ['frr-k8s', 'speaker'])
    assert.deepEqual(names('pods', '-l', 'invar.dev/left-by=metallb'), [])
    assert.deepEqual(
      names('clusterroles').filter((name) => name.startsWith('metallb')),
      [],
    )
    assert.deepEqual(names('secrets').includes('memberlist'), true)
    assert.equal((await migrated(0)).phase, 'nothing-to-do')
    const addresses = 'jsonpath={range .items[*]}{.metadata.name}={.status.loadBalancer.ingress[*].ip} {end}'
    assert.match(plane.kubectl(['get', 'services', '-o', addresses]), /new=192\.0\.2\.1 old=192\.0\.2\.2/)
  })
})

suite('from a release of helm that another one takes over', { timeout: 120_000 }, () => {
  before(async () => {
    plane.kubectl(['delete', '-k', 'deploy', '--ignore-not-found'])
    plane.kubectl(['delete', 'crd', 'frrconfigurations.frrk8s.metallb.io'])
    plane.kubectl(['create', 'namespace', NAMESPACE])
    const folder = join(plane.directory, 'chart')
    mkdirSync(folder)
    const installed = await helm('install', 'metallb', writeStandInChart(folder), '--set', 'webhook=false')
    assert.equal(installed.code, 0, installed.err)
    plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
    apply(...[pool('web', { addresses: ['192.0.2.0/30'] }), l2('all')].map(withoutTime))
  })

  test('the chart refuses to go in beside a controller of MetalLB', async () => {
    const { code, err } = await helm('upgrade', 'metallb', CHART)
    assert.notEqual(code, 0)
    assert.match(err, /MetalLB's controller runs in namespace metallb-system .*invarctl migrate from-metallb/)
  })

  test('helm refuses a second release, unless it takes what the first one owns', async () => {
    assert.equal((await migrated(0, '--yes')).outcome, 'done')
    const refused = await helm('install', 'invar', CHART)
    assert.notEqual(refused.code, 0)
    assert.match(refused.err, /release-name.* must (be set to|equal) "invar"/)
    const taken = await helm('install', 'invar', CHART, '--take-ownership')
    assert.equal(taken.code, 0, taken.err)
  })

  test('what helm remembers of MetalLB goes: nobody can uninstall the definitions any more', async () => {
    const second = await migrated(0, '--yes')
    const isRecord = (step: string): boolean => /delete Secret \S+\/sh\.helm\.release\.v1\.metallb\.v1/.test(step)
    assert.ok(second.steps.some(isRecord), second.steps.join('\n'))
    const { code, err } = await helm('uninstall', 'metallb')
    assert.notEqual(code, 0)
    assert.match(err, /not found/)
    assert.deepEqual(names('ipaddresspools'), ['web'])
  })

  test('Invar is uninstalled: the pools stay', async () => {
    const { code, err } = await helm('uninstall', 'invar')
    assert.equal(code, 0, err)
    assert.deepEqual(names('ipaddresspools'), ['web'])
  })
})
