/** As testkit/wire-node-main.ts, with a main thread that parses a Service list of 20 MB in a loop once told to. */
import { Worker } from 'node:worker_threads'

const worker = new Worker(new URL('../speaker/wire/thread.ts', import.meta.url), { name: 'wire' })
worker.on('message', (message) => process.send!(message))
worker.on('error', (error) => {
  throw error
})
process.on('message', (message) => {
  if (message === 'parse') parse(serviceList(20_000_000))
  else worker.postMessage(message)
})
process.on('disconnect', () => process.exit(0))

function parse(text: string): void {
  JSON.parse(text)
  setImmediate(parse, text)
}

function serviceList(bytes: number): string {
  const items: unknown[] = []
  for (let length = 0, index = 0; length < bytes; index++) {
    const name = `service-${index}`
    const ip = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
    const item = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'shop', uid: `${index}-6a7e`, resourceVersion: `${index}`, labels: { app: name } },
      spec: { type: 'LoadBalancer', clusterIP: ip, ports: [{ port: 80, targetPort: 8080, nodePort: 30000 }] },
      status: { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } },
    }
    length += JSON.stringify(item).length
    items.push(item)
  }
  return JSON.stringify({ kind: 'ServiceList', apiVersion: 'v1', items })
}
