/** The controller on a real API server: what a user applies, and what the cluster then shows. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { controllerFor } from './controller-for-tests.ts'
import type { Controller } from './program.ts'

const NAMESPACE = 'metallb-system'

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
  return controllerFor(plane.kubeconfig, NAMESPACE, 'memberlist')
}

function pool(name: string, addresses: readonly string[]): string {
  const spec = { addresses }
  return JSON.stringify({
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name, namespace: NAMESPACE },
    spec,
  })
}

function service(name: string, annotations: Record<string, string> = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', annotations },
    spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }] },
  })
}

function apply(manifest: string): void {
  plane.kubectl(['apply', '-f', '-'], manifest)
}

/** Waits, as a user would, until a field of an object has a value. */
async function waitFor(object: string, path: string, value: string, namespace = 'default'): Promise<void> {
  await plane.startKubectl(['wait', '-n', namespace, object, `--for=jsonpath=${path}=${value}`, '--timeout=10s'])
}

function read(object: string, path: string, namespace = 'default'): string {
  return plane.kubectl(['get', '-n', namespace, object, '-o', `jsonpath=${path}`])
}

const IP = '{.status.loadBalancer.ingress[0].ip}'
const CONDITION = '{.status.conditions[?(@.type=="invar.dev/AddressAllocated")].status}'
const MESSAGE = '{.status.conditions[?(@.type=="invar.dev/AddressAllocated")].message}'

function eventsOf(name: string): string {
  const fields = '{range .items[*]}{.type} {.reason}: {.message}{"\\n"}{end}'
  return plane.kubectl(['get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', `jsonpath=${fields}`])
}

describe('controller', () => {
  test('a Service gets the lowest address of the pool, the pool is named, the pool counts it', async () => {
    apply(pool('lan', ['192.0.2.0/29']))
    apply(service('web'))
    await waitFor('service/web', IP, '192.0.2.0')
    assert.equal(read('service/web', '{.metadata.annotations.metallb\\.io/ip-allocated-from-pool}'), 'lan')
    await waitFor('ipaddresspool/lan', '{.status.assignedIPv4}', '1', NAMESPACE)
    assert.equal(read('ipaddresspool/lan', '{.status.availableIPv4}', NAMESPACE), '7')
  })

  test('the speakers find a key in the Secret', async () => {
    await waitFor('secret/memberlist', '{.type}', 'Opaque', NAMESPACE)
    const key = Buffer.from(read('secret/memberlist', '{.data.secretkey}', NAMESPACE), 'base64').toString()
    assert.match(key, /^[A-Za-z0-9+/]{22}$/)
  })

  test('an address outside of every pool: the Service waits, and says why', async () => {
    apply(service('elsewhere', { 'metallb.io/loadBalancerIPs': '203.0.113.9' }))
    await waitFor('service/elsewhere', CONDITION, 'False')
    assert.match(read('service/elsewhere', MESSAGE), /203\.0\.113\.9/)
    await plane.startKubectl([
      'wait',
      '--for=create',
      'event',
      '--field-selector',
      'involvedObject.name=elsewhere',
      '--timeout=5s',
    ])
    assert.match(eventsOf('elsewhere'), /Warning AllocationFailed: .*203\.0\.113\.9/)
  })

  test('the same Service gets it as soon as a pool holds the address', async () => {
    apply(pool('more', ['203.0.113.8/29']))
    await waitFor('service/elsewhere', IP, '203.0.113.9')
  })

  test('an annotation that is no address: named with its value', async () => {
    apply(service('typo', { 'metallb.io/loadBalancerIPs': '192.0.2.300' }))
    await waitFor('service/typo', CONDITION, 'False')
    assert.match(read('service/typo', MESSAGE), /192\.0\.2\.300/)
  })

  test('an annotation that names no pool: the pool is named, and the Service gets nothing from others', async () => {
    apply(service('lost', { 'metallb.universe.tf/address-pool': 'nowhere' }))
    await waitFor('service/lost', CONDITION, 'False')
    assert.match(read('service/lost', MESSAGE), /"nowhere"/)
    assert.equal(read('service/lost', IP), '')
  })

  test('an unparsable pool is refused, an overlapping one reported, with field and cause; others go on', async () => {
    assert.throws(
      () => apply(pool('broken', ['192.0.2.999/24'])),
      /spec\.addresses\[0\].*"192\.0\.2\.999\/24" has a number/,
    )
    apply(pool('overlapping', ['192.0.2.4/30']))
    await waitFor('configurationstate/controller', '{.status.result}', 'Invalid', NAMESPACE)
    const summary = read('configurationstate/controller', '{.status.errorSummary}', NAMESPACE)
    assert.match(
      summary,
      /^IPAddressPool overlapping, spec\.addresses\[0\]: "192.0.2.4\/30" overlaps with .* pool lan; change one/,
    )
    apply(service('unharmed'))
    await waitFor('service/unharmed', IP, '192.0.2.1')
    plane.kubectl(['delete', '-n', NAMESPACE, 'ipaddresspool', 'overlapping'])
    await waitFor('configurationstate/controller', '{.status.result}', 'Valid', NAMESPACE)
  })

  test('a status wiped by somebody else gets the same address again', async () => {
    plane.kubectl([
      'patch',
      'service',
      'unharmed',
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"loadBalancer":null}}',
    ])
    await waitFor('service/unharmed', IP, '192.0.2.1')
  })

  test('counters of a pool that somebody else overwrites are put right (they stayed until the next allocation)', async () => {
    const right = read('ipaddresspool/lan', '{.status.assignedIPv4}', NAMESPACE)
    const wrong = '{"status":{"assignedIPv4":999,"assignedIPv6":0,"availableIPv4":0,"availableIPv6":0}}'
    const target = ['-n', NAMESPACE, 'ipaddresspool', 'lan', '--subresource=status', '--type=merge', '-p', wrong]
    plane.kubectl(['patch', ...target])
    await waitFor('ipaddresspool/lan', '{.status.assignedIPv4}', right, NAMESPACE)
  })

  test('the loops turn', () => {
    assert.deepEqual(controller.live(), { ok: true })
  })

  test('two Services with one key share an address; a third with a taken port does not', async () => {
    const key = { 'metallb.universe.tf/allow-shared-ip': 'dns' }
    apply(service('dns-a', key))
    await waitFor('service/dns-a', IP, '192.0.2.2')
    apply(service('dns-b', key).replace('"port":80', '"port":81'))
    await waitFor('service/dns-b', IP, '192.0.2.2')
    apply(service('dns-c', key))
    await waitFor('service/dns-c', IP, '192.0.2.3')
  })

  test('a Service that is no load balancer any more is cleared, and its address is given on', async () => {
    plane.kubectl(['patch', 'service', 'web', '--type=merge', '-p', '{"spec":{"type":"ClusterIP"}}'])
    apply(service('next'))
    await waitFor('service/next', IP, '192.0.2.0')
    assert.equal(read('service/web', '{.metadata.annotations.metallb\\.io/ip-allocated-from-pool}'), '')
  })

  test('the API server fills in ipMode, and what it filled in is left alone', async () => {
    assert.equal(read('service/next', '{.status.loadBalancer.ingress[0].ipMode}'), 'VIP')
  })

  test('a deprecated annotation counts, and is told of once', async () => {
    apply(service('old-style', { 'metallb.universe.tf/loadBalancerIPs': '203.0.113.10' }))
    await waitFor('service/old-style', IP, '203.0.113.10')
    const selector = 'involvedObject.name=old-style,reason=deprecatedAnnotation'
    await plane.startKubectl(['wait', '--for=create', 'event', '--field-selector', selector, '--timeout=5s'])
    assert.match(eventsOf('old-style'), /deprecatedAnnotation: .*loadBalancerIPs is deprecated: use metallb\.io/)
  })

  test('a Service that gets a second cluster IP gets its second address, and keeps the first', async () => {
    apply(pool('mixed', ['198.51.100.0/30', '2001:db8::/126']))
    apply(service('dual', { 'metallb.io/address-pool': 'mixed' }))
    await waitFor('service/dual', IP, '198.51.100.0')
    plane.kubectl(['patch', 'service', 'dual', '--type=merge', '-p', '{"spec":{"ipFamilyPolicy":"PreferDualStack"}}'])
    await waitFor('service/dual', '{.status.loadBalancer.ingress[1].ip}', '2001:db8::')
    assert.equal(read('service/dual', IP), '198.51.100.0')
  })

  test('another controller adopts what is there: nothing moves, nothing is written', async () => {
    const versions = () =>
      plane.kubectl([
        'get',
        'services',
        '-A',
        '-o',
        'jsonpath={range .items[*]}{.metadata.name}={.metadata.resourceVersion} {end}',
      ])
    await controller.stop()
    const before = versions()
    controller = newController()
    await controller.start()
    apply(service('after-restart'))
    await waitFor('service/after-restart', IP, '192.0.2.4')
    plane.kubectl(['delete', 'service', 'after-restart'])
    assert.equal(versions(), before)
  })
})
