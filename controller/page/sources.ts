/**
 * What the page follows beside what the controller follows anyway; only where the page is on. Each is a right in
 * charts/invar/templates/page.yaml.
 */
import { joinServing, type ServingEndpoints, servingEndpoints } from '../../core/announce/index.ts'
import {
  CONFIGURATION_STATES,
  ENDPOINT_SLICES,
  type EndpointSlice,
  EVENTS,
  type Follow,
  type Informer,
  type KubernetesObject,
  onRealChange,
  type ReadonlyStore,
} from '../../operator/index.ts'
import { SESSION_EVENTS, Sessions, sessionEvent } from './sessions.ts'
import type { SpeakerState } from './speaker-row.ts'

type Source = Pick<Informer<KubernetesObject>, 'resource' | 'start' | 'stop' | 'whenSynced' | 'isSynced' | 'lastError'>

interface KeptSlice extends ServingEndpoints {
  /** `namespace/name`. */
  readonly service: string
}

export interface SourceListeners {
  readonly onEndpoints: (service: string) => void
  readonly onSpeakers: () => void
  /** All of a resource has been read. */
  readonly onRead: () => void
}

const BY_SERVICE = 'service'
const BY_NODE = 'node'
const NOWHERE: ReadonlySet<string> = new Set()

export class PageSources {
  readonly sessions = new Sessions()
  readonly #slices: Informer<EndpointSlice, KeptSlice>
  readonly #states: ReadonlyStore<SpeakerState & { readonly node: string }>
  readonly #informers: readonly Source[]
  readonly #onRead: () => void

  /** @param namespace of the metallb.io resources */
  constructor(follow: Follow, namespace: string, { onEndpoints, onSpeakers, onRead }: SourceListeners) {
    const slices = follow(ENDPOINT_SLICES, {
      transform: keepSlice,
      indexes: { [BY_SERVICE]: ({ service }: KeptSlice) => [service] },
    })
    onRealChange(slices, (change) => onEndpoints((change.kind === 'delete' ? change.old : change.object).service))
    this.#slices = slices
    const states = followStates(follow, namespace, onSpeakers)
    this.#states = states.store
    const events = follow(EVENTS, { selection: { namespace, fieldSelector: SESSION_EVENTS }, transform: sessionEvent })
    events.onChange((change) => {
      if (change.kind === 'delete' || change.object === undefined) return
      if (this.sessions.take(change.object)) onSpeakers()
    })
    this.#informers = [slices, states, events]
    this.#onRead = onRead
  }

  start(): void {
    for (const informer of this.#informers) {
      informer.start()
      void informer.whenSynced().then(this.#onRead)
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.stop()))
  }

  /** Resources that have never been read whole, each with the reason. */
  get unread(): readonly string[] {
    const unsynced = this.#informers.filter(({ isSynced }) => !isSynced)
    return unsynced.map(({ resource, lastError }) => `${resource.plural}: ${lastError?.message ?? 'being read'}`)
  }

  /** undefined = not known yet, or never. */
  endpointsOf(service: string): ServingEndpoints | undefined {
    if (!this.#slices.isSynced) return undefined
    return joinServing(this.#slices.store.by(BY_SERVICE, service))
  }

  stateOf(node: string): SpeakerState | undefined {
    return this.#states.by(BY_NODE, node)[0]
  }
}

function keepSlice(slice: EndpointSlice): KeptSlice {
  const { namespace, labels = {} } = slice.metadata
  const { anywhere, nodes } = servingEndpoints([slice])
  const service = `${namespace}/${labels['kubernetes.io/service-name'] ?? ''}`
  return { service, anywhere, nodes: nodes.size === 0 ? NOWHERE : nodes }
}

function followStates(
  follow: Follow,
  namespace: string,
  onChange: () => void,
): Informer<NonNullable<(typeof CONFIGURATION_STATES)['objects']>, SpeakerState & { readonly node: string }> {
  const states = follow(CONFIGURATION_STATES, {
    selection: { namespace, labelSelector: 'metallb.io/component-type=speaker' },
    transform: ({ metadata, status = {} }) => ({
      node: metadata.labels?.['metallb.io/node-name'] ?? '',
      result: status.result ?? 'Unknown',
      trouble: status.errorSummary ?? '',
    }),
    indexes: { [BY_NODE]: ({ node }: { readonly node: string }) => [node] },
  })
  onRealChange(states, onChange)
  return states
}
