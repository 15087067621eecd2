/** What `invarctl top` follows: a stream from each speaker, the Services, and the events of the decisions. */
import {
  EVENTS,
  type EventObject,
  Informer,
  type KubernetesObject,
  SERVICES,
  type Service,
} from '../../operator/index.ts'
import { sleep, systemClock } from '../../runtime/clock.ts'
import { systemRandom } from '../../runtime/random.ts'
import { CannotRun } from '../cannot-run.ts'
import type { Connection } from '../connection.ts'
import { streamFromSpeaker } from '../remote-speaker.ts'
import { kubeConfigSource, type SpeakerOf, speakersIn } from '../speakers.ts'
import type { NodeActivity } from './activity.ts'
import type { DecisionLine, Known } from './frame.ts'

/** A stream is opened anew after so many lines: what is left behind in a container by a cut ends by itself. */
const LINES_A_STREAM = 600
/** Pods come and go. */
const LOOK_FOR_SPEAKERS_MS = 10_000
const RECONNECT_MS = 2_000
/** Events of other components say nothing of addresses. */
const OWN_COMPONENT = /^(metallb|invar)-/

export class Feed {
  readonly #connection: Connection
  readonly #namespace: string
  readonly #intervalMs: number
  readonly #signal: AbortSignal
  readonly #services: Informer<Service, KeptService>
  readonly #events: Informer<EventObject, KeptEvent>
  /** By node. */
  readonly #speakers = new Map<string, NodeActivity | string>()
  /** By the name of the Pod. */
  readonly #streams = new Map<string, AbortController>()
  #because: string | undefined

  constructor(connection: Connection, namespace: string, intervalMs: number, signal: AbortSignal) {
    this.#connection = connection
    this.#namespace = namespace
    this.#intervalMs = intervalMs
    this.#signal = signal
    const shared = { client: connection.client, clock: systemClock, random: systemRandom }
    this.#services = new Informer<Service, KeptService>({ ...shared, resource: SERVICES, transform: keptService })
    const selection = { fieldSelector: 'involvedObject.kind=Service' }
    this.#events = new Informer<EventObject, KeptEvent>({
      ...shared,
      resource: EVENTS,
      selection,
      transform: keptEvent,
    })
  }

  /** Follows until the signal aborts. */
  async run(): Promise<void> {
    this.#services.start()
    this.#events.start()
    while (!this.#signal.aborted) {
      await this.#meetSpeakers()
      await sleep(systemClock, LOOK_FOR_SPEAKERS_MS, this.#signal)
    }
    for (const stream of this.#streams.values()) stream.abort()
    await Promise.all([this.#services.stop(), this.#events.stop()])
  }

  known(at: string): Known {
    const services = new Map<string, string[]>()
    for (const { key, addresses } of this.#services.store.values()) {
      for (const address of addresses) services.set(address, [...(services.get(address) ?? []), key])
    }
    const decisions = [...this.#events.store.values()].flatMap(({ decision }) => decision ?? [])
    const failed = [this.#services.lastError, this.#events.lastError].flatMap((error) => error?.message ?? [])
    const notes = [...(this.#because === undefined ? [] : [this.#because]), ...failed]
    return { at, speakers: this.#speakers, services, decisions, notes }
  }

  /** New speakers are heard from now on, those that are gone no more. */
  async #meetSpeakers(): Promise<void> {
    try {
      const speakers = await speakersIn(this.#connection, this.#namespace)
      this.#because = speakers.length === 0 ? `no speaker runs in namespace ${this.#namespace}` : undefined
      for (const speaker of speakers) if (!this.#streams.has(speaker.pod.name)) this.#follow(speaker)
      for (const [name, stream] of this.#streams) {
        if (speakers.some(({ pod }) => pod.name === name)) continue
        stream.abort()
        this.#streams.delete(name)
      }
    } catch (error) {
      if (!(error instanceof CannotRun)) throw error
      this.#because = error.message
    }
  }

  #follow(speaker: SpeakerOf): void {
    const stream = new AbortController()
    this.#streams.set(speaker.pod.name, stream)
    const signal = AbortSignal.any([this.#signal, stream.signal])
    void this.#hear(speaker, signal).finally(() => {
      if (stream.signal.aborted) this.#speakers.delete(speaker.node)
    })
  }

  async #hear({ node, pod }: SpeakerOf, signal: AbortSignal): Promise<void> {
    const source = kubeConfigSource(this.#connection.flags)
    const interval = ['--interval', String(this.#intervalMs / 1_000), '--count', String(LINES_A_STREAM)]
    const args = ['top', '--local', '-o', 'json', ...interval]
    while (!signal.aborted) {
      const because = await streamFromSpeaker(
        source,
        pod,
        args,
        (line) => {
          this.#speakers.set(node, JSON.parse(line) as NodeActivity)
        },
        signal,
      )
      if (because !== undefined) this.#speakers.set(node, because)
      await sleep(systemClock, RECONNECT_MS, signal)
    }
  }
}

interface KeptService extends KubernetesObject {
  readonly key: string
  readonly addresses: readonly string[]
}

function keptService({ metadata, status }: Service): KeptService {
  const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])
  const { name, namespace = '', resourceVersion = '' } = metadata
  return { metadata: { name, namespace, resourceVersion }, key: `${namespace}/${name}`, addresses }
}

interface KeptEvent extends KubernetesObject {
  readonly decision: DecisionLine | undefined
}

function keptEvent({ metadata, ...event }: EventObject): KeptEvent {
  const { name, namespace = '', resourceVersion = '', creationTimestamp = '' } = metadata
  const { source, reportingComponent = '', involvedObject, reason = '', message = '', lastTimestamp } = event
  const isOurs = OWN_COMPONENT.test(source?.component || reportingComponent)
  const object = `${involvedObject.namespace ?? ''}/${involvedObject.name}`
  const decision = isOurs ? { at: lastTimestamp ?? creationTimestamp, object, reason, message } : undefined
  return { metadata: { name, namespace, resourceVersion }, decision }
}
