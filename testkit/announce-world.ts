import assert from 'node:assert/strict'
import {
  type AnnouncedService,
  announcedServiceOf,
  ClusterView,
  nodeViewOf,
  type ServingEndpoints,
  servingEndpoints,
} from '../core/announce/index.ts'
import { type ConfigResource, compile } from '../core/config/index.ts'
import { resources } from './resources.ts'

/** What a test says of a node; the rest is an ordinary one. */
export interface NodeWords {
  readonly labels?: Readonly<Record<string, string>>
  readonly networkUnavailable?: boolean
  readonly interfaces?: readonly string[]
}

/** A cluster of these nodes with this configuration, which must be without fault. */
export function clusterView(
  configuration: readonly ConfigResource[],
  nodes: Readonly<Record<string, NodeWords>>,
  { ignoreExcludeLabel = false } = {},
): ClusterView {
  const { snapshot, problems } = compile(resources(configuration))
  assert.deepEqual(
    problems.filter((problem) => problem.severity === 'error'),
    [],
  )
  const views = Object.entries(nodes).map(([name, words]) => {
    const conditions = words.networkUnavailable ? [{ type: 'NetworkUnavailable', status: 'True' }] : []
    return nodeViewOf({ metadata: { name, labels: words.labels ?? {} }, status: { conditions } }, words.interfaces)
  })
  return new ClusterView(snapshot, views, { ignoreExcludeLabel })
}

/** What a test says of a Service `default/web` that shows these ingress entries. */
export interface ServiceWords {
  readonly type?: string
  readonly loadBalancerClass?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly policy?: 'Cluster' | 'Local'
  readonly ingress?: readonly string[]
}

export function announcedService(words: ServiceWords = {}): AnnouncedService {
  const ingress = (words.ingress ?? ['192.0.2.10']).map((text) =>
    /[a-z]\./.test(text) ? { hostname: text } : { ip: text },
  )
  const { labels = {}, annotations = {}, type = 'LoadBalancer', loadBalancerClass = '', policy = 'Cluster' } = words
  return announcedServiceOf(
    {
      metadata: { name: 'web', namespace: 'default', labels, annotations },
      spec: { type, loadBalancerClass, externalTrafficPolicy: policy },
      status: { loadBalancer: { ingress } },
    },
    '',
  )
}

/** Ready endpoints on these nodes. */
export function endpointsOn(...nodes: readonly string[]): ServingEndpoints {
  const endpoints = nodes.map((nodeName) => ({ addresses: ['10.0.0.1'], nodeName, conditions: { ready: true } }))
  return servingEndpoints([{ endpoints }])
}
