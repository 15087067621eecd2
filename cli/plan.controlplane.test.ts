/** What `plan` foretells is what a controller then does. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { controllerFor } from '../controller/controller-for-tests.ts'
import type { Controller } from '../controller/program.ts'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'

const NAMESPACE = 'metallb-system'
const ROOT = join(import.meta.dirname, '..')

let plane: ControlPlane
let controller: Controller

before(async () => {
  plane = await startControlPlane()
  plane.kubectl(['create', 'namespace', NAMESPACE])
  plane.kubectl(['apply', '--server-side', '-k', 'crds'])
  plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  controller = newController()
  await controller.start()
})

after(async () => {
  await controller?.stop()
  await plane?.stop()
})

function newController(): Controller {
  return controllerFor(plane.kubeconfig, NAMESPACE, '')
}

function pool(name: string, ...addresses: readonly string[]): object {
  const metadata = { name, namespace: NAMESPACE }
  return { apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata, spec: { addresses } }
}

function service(name: string, port: number, annotations: Readonly<Record<string, string>> = {}): object {
  const spec = { type: 'LoadBalancer', selector: { app: name }, ports: [{ port }] }
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default', annotations }, spec }
}

function manifest(...objects: readonly object[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n')
}

/** undefined = not a Service. */
function keyOfService(object: object): string | undefined {
  const { kind, metadata } = object as { readonly kind: string; readonly metadata: { readonly name: string } }
  return kind === 'Service' ? `default/${metadata.name}` : undefined
}

interface Planned {
  readonly service: string
  readonly effect: string
  readonly after: readonly string[]
}

function plan(input: string): Promise<readonly Planned[]> {
  const options = { cwd: ROOT, env: { ...process.env, KUBECONFIG: plane.kubeconfig } }
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ['cli/main.ts', 'plan', '-f', '-', '-o', 'json'],
      options,
      (error, out) => {
        // 1 is an answer as well.
        if (error === null || error.code === 1) resolve(JSON.parse(out).services)
        else reject(error)
      },
    )
    child.stdin!.end(input)
  })
}

const IP = '{.status.loadBalancer.ingress[0].ip}'
const CONDITION = '{.status.conditions[?(@.type=="invar.dev/AddressAllocated")].status}'

/** Waits until the controller has done what was foretold of a Service; fails where it does something else. */
async function comesTrue({ service: key, after: [address] }: Planned): Promise<void> {
  const [namespace, name] = key.split('/')
  const wanted = address === undefined ? `${CONDITION}=False` : `${IP}=${address}`
  await plane.startKubectl(['wait', '-n', namespace!, `service/${name}`, `--for=jsonpath=${wanted}`, '--timeout=20s'])
}

function addresses(): string {
  return plane.kubectl(['get', 'services', '-o', `jsonpath={range .items[*]}{.metadata.name}=${IP}{" "}{end}`])
}

async function foretoldAndDone(...objects: readonly object[]): Promise<readonly string[]> {
  const change = manifest(...objects)
  const planned = await plan(change)
  // One after the other: of Services that come at once, the one that the controller sees first is served first.
  for (const object of objects) {
    plane.kubectl(['apply', '-f', '-'], manifest(object))
    const foretold = planned.find((one) => one.service === keyOfService(object))
    if (foretold !== undefined) await comesTrue(foretold)
  }
  for (const one of planned) await comesTrue(one)
  // The plan after the fact: nothing is left to do, and nothing else has happened.
  assert.ok((await plan(change)).every(({ effect }) => effect === 'keeps' || effect === 'waits'))
  return planned.map(({ service: key, effect, after: got }) => `${key.split('/')[1]} ${effect} ${got.join() || '-'}`)
}

test('pools come, shrink and split; Services share, ask and wait', async () => {
  const shared = { 'metallb.io/allow-shared-ip': 'k' }
  const first = [
    pool('web', '192.0.2.0/30'),
    service('a', 80),
    service('b', 80, shared),
    service('c', 443, shared),
    service('d', 80, { 'metallb.io/loadBalancerIPs': '192.0.2.3' }),
    service('e', 80),
    service('f', 80),
  ]
  assert.deepEqual(await foretoldAndDone(...first), [
    'a gains 192.0.2.0',
    'b gains 192.0.2.1',
    'c gains 192.0.2.1',
    'd gains 192.0.2.3',
    'e gains 192.0.2.2',
    'f waits -',
  ])
  const second = [pool('web', '192.0.2.0/31'), pool('more', '198.51.100.0/32')]
  assert.deepEqual(await foretoldAndDone(...second), [
    'd loses -',
    'e moves 198.51.100.0',
    'f waits -',
    'a keeps 192.0.2.0',
    'b keeps 192.0.2.1',
    'c keeps 192.0.2.1',
  ])
  const before = addresses()
  const clashing = pool('clash', '192.0.2.0/24', '10.0.0.0/24')
  assert.ok((await foretoldAndDone(clashing)).every((line) => !/loses|moves|gains/.test(line)))
  assert.equal(addresses(), before)
})
