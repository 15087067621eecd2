/** Faults planted in a real API server, and whether `status`, `doctor` and `bundle` find them or keep their secrets. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type ControlPlane, startControlPlane } from '../../testkit/controlplane.ts'
import { eventually } from '../../testkit/eventually.ts'
import { l2, NAMESPACE, peer, pool } from '../../testkit/resources.ts'
import { judgedAnswer } from '../judged-answer.ts'
import type { Diagnosis } from './examine.ts'
import type { CheckId, Finding } from './finding.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** In a BGPPeer and what was applied of it; in the Secret of another; the membership key; in an environment variable. */
const SECRETS = ['pl4nted-password', 'pl4nted-stored', 'pl4nted-membership', 'pl4nted-variable'] as const

let plane: ControlPlane
let folder: string

function invarctl(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: plane.kubeconfig }
    execFile(process.execPath, ['cli/main.ts', ...args], { cwd: ROOT, env, timeout: 90_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err })
    })
  })
}

function apply(...items: readonly object[]): void {
  plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

function setStatus(kind: string, name: string, status: object, namespace?: string): void {
  const where = namespace === undefined ? [] : ['-n', namespace]
  plane.kubectl([
    ...where,
    'patch',
    kind,
    name,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status }),
  ])
}

const core = (kind: string, name: string, rest: object = {}, namespace?: string) => ({
  ...{ apiVersion: 'v1', kind },
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  ...rest,
})

/** As the kubelet would have it, which is not there. */
function podOf(component: string, node: string): object {
  const environment = [
    { name: 'UPSTREAM_TOKEN', value: SECRETS[3] },
    { name: 'METALLB_ML_SECRET_NAME', value: 'memberlist' },
  ]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${component}-${node}`, namespace: NAMESPACE, labels: { app: 'metallb', component } },
    spec: {
      nodeName: node,
      serviceAccountName: component,
      automountServiceAccountToken: false,
      containers: [{ name: component, image: 'invar.dev/invar:0.0.1', args: [component], env: environment }],
    },
  }
}

async function findings(): Promise<readonly Finding[]> {
  const { code, out, err } = await invarctl(['doctor', '-o', 'json'])
  assert.equal(code, 1, err)
  return (judgedAnswer('doctor', out) as Diagnosis).findings
}

async function diagnosed(id: CheckId): Promise<readonly Finding[]> {
  return (await findings()).filter((finding) => finding.id === id)
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'invar-bundle-'))
  plane = await startControlPlane()
  plane.kubectl(['apply', '--server-side', '-k', 'crds'])
  plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  // Controller, speakers and what they need, but for the Secret of membership; nobody fills in the webhook's CA.
  plane.kubectl(['apply', '-f', 'deploy/namespace.yaml'])
  plane.kubectl(['apply', '--server-side', '-f', 'deploy/invar.yaml'])
  apply(
    core('Node', 'node-a', { spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] } }),
    core('Node', 'node-b', {
      metadata: { name: 'node-b', labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } },
    }),
    core('Node', 'node-c'),
    podOf('controller', 'node-a'),
    podOf('speaker', 'node-a'),
    podOf('speaker', 'node-b'),
    pool('web', { addresses: ['192.0.2.0/28'] }),
    pool('pods', { addresses: ['10.244.0.128/25'] }),
    pool('lonely', { addresses: ['198.51.100.0/28'] }),
    l2('some', { ipAddressPools: ['web', 'pods'] }),
    peer('tor', { password: SECRETS[0] }),
    peer('spine', { peerAddress: '198.51.100.2', passwordSecret: { name: 'spine' } }),
    core(
      'Secret',
      'spine',
      { type: 'kubernetes.io/basic-auth', stringData: { username: 'x', password: SECRETS[1] } },
      NAMESPACE,
    ),
    core('Service', 'shop', { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } }, 'default'),
    core('Namespace', 'rivals'),
  )
  for (const name of ['controller-node-a', 'speaker-node-a']) {
    setStatus('pod', name, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }, NAMESPACE)
  }
  // Of a node that no speaker is asked on: the API server would dial this address in vain.
  setStatus('node', 'node-c', { addresses: [{ type: 'InternalIP', address: '192.0.2.3' }] })
})
after(async () => {
  await plane?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('doctor', () => {
  let all: readonly Finding[]
  before(async () => {
    all = await findings()
  })

  const PLANTED: readonly [id: CheckId, object: string, what: RegExp][] = [
    ['membership-secret', 'Secret/memberlist', /is not there/],
    ['speaker-down', 'Pod/speaker-node-b', /is not ready: is Pending/],
    ['speaker-down', 'Node/node-a', /its speaker cannot be asked/],
    ['speaker-missing', 'Node/node-c', /runs no speaker/],
    ['version-skew', 'Pod/controller-node-a', /runs version 0\.0\.1/],
    [
      'webhook-untrusted',
      'ValidatingWebhookConfiguration/metallb-webhook-configuration',
      /6 of 6 webhooks have no caBundle/,
    ],
    ['webhook-unreachable', 'Service/metallb-webhook-service', /has no endpoint/],
    ['node-excluded', 'Node/node-b', /exclude-from-external-load-balancers/],
    ['pool-overlaps', 'IPAddressPool/web', /192\.0\.2\.3, the InternalIP of node node-c/],
    ['pool-overlaps', 'IPAddressPool/pods', /addresses of the Pods of node node-a/],
    ['pool-not-announced', 'IPAddressPool/lonely', /no L2Advertisement or BGPAdvertisement reaches it/],
  ]
  for (const [id, object, what] of PLANTED) {
    test(`${id}: ${object}`, () => {
      const found = all.filter(
        (finding) => finding.id === id && `${finding.object.kind}/${finding.object.name}` === object,
      )
      assert.equal(found.length, 1, JSON.stringify(all.filter((finding) => finding.id === id)))
      assert.match(found[0]!.what, what)
      assert.ok(found[0]!.remedy !== '')
    })
  }

  test('has nothing to say of rights and definitions that are as they should be', () => {
    const ids = new Set(all.map(({ id }) => id))
    for (const id of [
      'right-missing',
      'crd-missing',
      'crd-outdated',
      'rival-load-balancer',
      'namespace-restricted',
    ] as const) {
      assert.ok(!ids.has(id), JSON.stringify(all.filter((finding) => finding.id === id)))
    }
  })

  test('right-missing: a role that was cut', async () => {
    const role = JSON.parse(plane.kubectl(['-n', NAMESPACE, 'get', 'role', 'speaker', '-o', 'json']))
    const rules = role.rules.filter(
      ({ resources }: { resources: string[] }) => !resources.includes('servicel2statuses'),
    )
    plane.kubectl(['-n', NAMESPACE, 'patch', 'role', 'speaker', '--type=merge', '-p', JSON.stringify({ rules })])
    const found = await eventually(async () => {
      const missing = await diagnosed('right-missing')
      assert.ok(missing.length > 0)
      return missing
    }, 20_000)
    assert.ok(found.every(({ object }) => object.name === 'speaker'))
    assert.ok(found.some(({ what }) => what === `may not watch servicel2statuses.metallb.io in namespace ${NAMESPACE}`))
  })

  test('crd-outdated, namespace-restricted, rival-load-balancer, status-written-by-others', async () => {
    const path = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/serviceSelectors'
    const patch = JSON.stringify([{ op: 'remove', path }])
    plane.kubectl(['patch', 'crd', 'l2advertisements.metallb.io', '--type=json', '-p', patch])
    const label = 'pod-security.kubernetes.io/enforce=restricted'
    plane.kubectl(['label', 'namespace', NAMESPACE, '--overwrite', label])
    const template = {
      metadata: { labels: { app: 'x' } },
      spec: { containers: [{ name: 'speaker', image: 'quay.io/metallb/speaker:v0.16.1' }] },
    }
    const spec = { selector: { matchLabels: { app: 'x' } }, template }
    const lease = {
      holderIdentity: 'controller-node-a_1',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    }
    apply(
      { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'left-behind', namespace: 'rivals' }, spec },
      {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'invar-controller', namespace: NAMESPACE },
        spec: lease,
      },
    )
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } }
    plane.kubectl([
      'patch',
      'service',
      'shop',
      '--subresource=status',
      '--type=merge',
      '--field-manager=kube-vip',
      '-p',
      JSON.stringify({ status }),
    ])
    const all = await findings()
    const told = (id: CheckId) =>
      all.filter((finding) => finding.id === id).map(({ object, what }) => `${object.name}: ${what}`)
    assert.match(
      told('crd-outdated').join(),
      /^l2advertisements\.metallb\.io: does not know v1beta1\.spec\.serviceSelectors: /,
    )
    assert.match(told('namespace-restricted').join(), /enforces the pod security level "restricted"/)
    assert.match(told('rival-load-balancer').join(), /^left-behind: MetalLB runs here/)
    assert.match(told('status-written-by-others').join(), /^shop: "kube-vip" wrote the addresses/)
  })
})

describe('status', () => {
  test('of the same cluster, as text and as JSON', async () => {
    const { code, out } = await invarctl(['status'])
    assert.equal(code, 1)
    assert.match(out, /^Something is wrong: /)
    assert.match(out, /^ {2}node-b +no +0 +0\.0\.1 .* is Pending$/m)
    assert.match(out, /^ {2}no speaker runs on node-c$/m)
    const { leader, healthy } = judgedAnswer('status', (await invarctl(['status', '-o', 'json'])).out)
    assert.deepEqual([leader, healthy], ['controller-node-a', false])
  })
})

describe('bundle', () => {
  test('has what helps, and none of the secrets that were planted', async () => {
    const secretkey = Buffer.from(SECRETS[2]).toString('base64')
    apply(core('Secret', 'memberlist', { data: { secretkey } }, NAMESPACE))
    // A program that says too much.
    const message = `dial with ${SECRETS[1]} and ${secretkey}`
    apply({
      ...core('Event', 'chatty', {}, NAMESPACE),
      ...{
        involvedObject: { kind: 'BGPPeer', namespace: NAMESPACE, name: 'spine' },
        reason: 'x',
        message,
        type: 'Normal',
      },
      source: { component: 'metallb-speaker' },
    })
    const file = join(folder, 'invar.tar.gz')
    const { code, out, err } = await invarctl(['bundle', '--file', file, '-o', 'json'])
    assert.equal(code, 0, err)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const { entries, missing } = judgedAnswer('bundle', out) as {
      entries: { path: string }[]
      missing: { what: string }[]
    }
    const paths = entries.map(({ path }) => path)
    for (const path of [
      'README.txt',
      'status.json',
      'doctor.json',
      'versions.json',
      'objects/bgppeers.yaml',
      'objects/services.yaml',
      'objects/pods.yaml',
      'objects/events.yaml',
    ]) {
      assert.ok(paths.includes(path), `${path} is not among ${paths.join(' ')}`)
    }
    assert.ok(!paths.some((path) => path.includes('secret')))
    assert.ok(
      missing.some(({ what }) => what === 'speakers/node-a.json'),
      'there is no kubelet to ask a speaker by',
    )
    const text = gunzipSync(readFileSync(file)).toString()
    assert.ok(text.includes('198.51.100.2') && text.includes('dial with (masked) and (masked)'))
    for (const secret of SECRETS) {
      assert.ok(!text.includes(secret), `${secret} is in the archive`)
      assert.ok(!text.includes(Buffer.from(secret).toString('base64')), `${secret} is in the archive, in base64`)
    }
  })

  test('says where it cannot write', async () => {
    const { code, err } = await invarctl(['bundle', '--file', '/nowhere/x.tar.gz'])
    assert.equal(code, 2)
    assert.match(err, /cannot write \/nowhere\/x\.tar\.gz \(.*ENOENT.*name another one with --file$/m)
    const again = await invarctl(['bundle', '--file', join(folder, 'invar.tar.gz')])
    assert.match(again.err, /EEXIST/, 'what is there is not overwritten')
  })
})
