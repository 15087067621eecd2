import assert from 'node:assert/strict'
import {
  type AnnouncedService,
  announcedServiceOf,
  ClusterView,
  DEFAULT_VIEW,
  type NodeShape,
  nodeViewOf,
  type ServingEndpoints,
  servingEndpoints,
  type ViewOptions,
} from '../core/announce/index.ts'
import { type ConfigResource, compile } from '../core/config/index.ts'
import { resources } from './resources.ts'

/** What a test says of a node; the rest is an ordinary one. */
export interface NodeWords {
  readonly labels?: Readonly<Record<string, string>>
  readonly networkUnavailable?: boolean
  readonly cordoned?: boolean
  /** Keys of taints. */
  readonly taints?: readonly string[]
  readonly notReady?: boolean
  readonly interfaces?: readonly string[]
}

/** A cluster of these nodes with this configuration, which must be without fault. */
export function clusterView(
  configuration: readonly ConfigResource[],
  nodes: Readonly<Record<string, NodeWords>>,
  options: Partial<ViewOptions> = {},
): ClusterView {
  const { snapshot, problems } = compile(resources(configuration))
  assert.deepEqual(
    problems.filter((problem) => problem.severity === 'error'),
    [],
  )
  const views = Object.entries(nodes).map(([name, words]) => nodeViewOf(describedNode(name, words), words.interfaces))
  return new ClusterView(snapshot, views, { ...DEFAULT_VIEW, ...options })
}

function describedNode(name: string, words: NodeWords): NodeShape {
  const { labels = {}, taints = [], cordoned = false, notReady = false, networkUnavailable = false } = words
  const conditions = [
    { type: 'Ready', status: notReady ? 'Unknown' : 'True' },
    { type: 'NetworkUnavailable', status: networkUnavailable ? 'True' : 'False' },
  ]
  return {
    metadata: { name, labels },
    spec: { unschedulable: cordoned, taints: taints.map((key) => ({ key })) },
    status: { conditions },
  }
}

/** What a test says of a Service `default/web` that shows these ingress entries. */
export interface ServiceWords {
  readonly type?: string
  readonly isBeingDeleted?: boolean
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
      metadata: {
        ...{ name: 'web', namespace: 'default', labels, annotations },
        ...(words.isBeingDeleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      },
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
