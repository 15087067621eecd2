/**
 * Thousands of Services within seconds: one is created by the API server, and copies of it are written into etcd. (The
 * API server counts all addresses of Services each time it gives out one, which makes 50,000 creations take an hour.)
 */
import { request } from 'node:http'
import { join } from 'node:path'
import { SERVICES } from '../operator/index.ts'
import type { ControlPlane } from '../testkit/controlplane.ts'
import { type AllocationCluster, serviceName, serviceOf } from './alloc-cluster.ts'

/** Writes of one transaction; etcd takes 128. */
const WRITES_AT_ONCE = 128
/** Addresses below are left to those that the API server gives out. */
const FIRST_HOST = 1_024

export interface Stored {
  readonly key: string
  readonly value: object
}

/** Makes Services number `from` to `to` - 1, as if created, each with the cluster address that is its own. */
export async function seedServices(cluster: AllocationCluster, from: number, to: number): Promise<void> {
  const template = await madeByTheServer(cluster)
  const writes: Stored[] = []
  for (let index = from; index < to; index++) writes.push(...copiesOf(template, index))
  for (let at = 0; at < writes.length; at += WRITES_AT_ONCE) {
    await writeToEtcd(cluster.plane, writes.slice(at, at + WRITES_AT_ONCE))
  }
}

interface Template {
  readonly service: Json
  readonly address: Json
}
type Json = { readonly metadata: Record<string, unknown>; readonly spec: Record<string, unknown> }

/** A Service and the IPAddress that belongs to it; both are deleted again. */
async function madeByTheServer({ client, bare }: AllocationCluster): Promise<Template> {
  const name = 'template'
  // Of nobody's class meanwhile, so that no controller gives it an address.
  await client.create(SERVICES, serviceOf(name, { loadBalancerClass: 'example.com/nobody' }))
  const get = async (path: string) => JSON.parse((await bare.send('GET', path)).toString('utf8')) as Json
  const service = await get(`/api/v1/namespaces/default/services/${name}`)
  const address = await get(`/apis/networking.k8s.io/v1/ipaddresses/${service.spec.clusterIP}`)
  await client.delete(SERVICES, { namespace: 'default', name })
  return { service, address }
}

function copiesOf({ service, address }: Template, index: number): readonly Stored[] {
  const [name, host] = [serviceName(index), FIRST_HOST + index]
  const clusterIP = `10.96.${host >> 8}.${host & 255}`
  const selector = { app: name }
  const { loadBalancerClass: _, ...spec } = service.spec
  const parentRef = { group: '', resource: 'services', namespace: 'default', name }
  return [
    {
      key: `/registry/services/specs/default/${name}`,
      value: copyOf(
        service,
        { name, labels: service.metadata.labels },
        { ...spec, selector, clusterIP, clusterIPs: [clusterIP] },
      ),
    },
    { key: `/registry/ipaddresses/${clusterIP}`, value: copyOf(address, { name: clusterIP }, { parentRef }) },
  ]
}

function copyOf(object: Json, metadata: object, spec: object): object {
  const { resourceVersion: _, ...rest } = object.metadata
  return { ...object, metadata: { ...rest, uid: crypto.randomUUID(), ...metadata }, spec }
}

/**
 * By the JSON gateway of etcd, in which bytes are base64. To be done while nobody watches: all writes of a transaction
 * have one resourceVersion, and a watch that is cut between them goes on after it (ADR 0004).
 */
export function writeToEtcd(plane: ControlPlane, writes: readonly Stored[]): Promise<void> {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const success = writes.map(({ key, value }) => ({
    requestPut: { key: base64(key), value: base64(JSON.stringify(value)) },
  }))
  const options = { socketPath: join(plane.directory, 'etcd.sock'), path: '/v3/kv/txn', method: 'POST' }
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('error', reject)
      response.on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`etcd: ${body}`))))
    })
    call.on('error', reject)
    call.end(JSON.stringify({ success }))
  })
}
