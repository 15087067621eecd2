/** What the gateway probe finds out, told to the people of the cluster: the log, events on the Node, a metric. */
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import type { SpeakerEvent } from './speaker-event.ts'
import type { FromWire } from './wire/messages.ts'

export interface UplinksOptions {
  readonly node: string
  readonly log: Log
  readonly metrics: Metrics
  readonly raise: (event: SpeakerEvent) => void
}

export class Uplinks {
  readonly #options: UplinksOptions
  /** Of each target by interface, as reported last. */
  readonly #reachable = new Map<string, FromWire & { readonly kind: 'uplink' }>()

  constructor(options: UplinksOptions) {
    this.#options = options
    const help = '1 for each target of the gateway probe that answers, 0 for each that answered and ceased to'
    options.metrics.gauge('invar_uplink_reachable', help, ['interface', 'target'], (gauge) => {
      gauge.reset()
      for (const { interface: name, target, reachable } of this.#reachable.values()) {
        gauge.set({ interface: name, target }, reachable ? 1 : 0)
      }
    })
  }

  take(message: FromWire): void {
    if (message.kind !== 'uplink') return
    const { interface: name, target, reachable } = message
    const key = `${name} ${target}`
    const before = this.#reachable.get(key)?.reachable ?? true
    this.#reachable.set(key, message)
    if (before === reachable) return
    const { node, log, raise } = this.#options
    const text = reachable
      ? `${target} answers again by ${name}`
      : `${target} does not answer by ${name} any more: addresses move to nodes that have a way out, if there are any`
    const reason = reachable ? 'uplinkBack' : 'uplinkLost'
    if (reachable) log.info(reason, text, { interface: name, target })
    else log.warn(reason, text, { interface: name, target })
    raise({
      // As the kubelet names it, so that `kubectl describe node` shows it.
      object: { apiVersion: 'v1', kind: 'Node', name: node, uid: node },
      ...{ type: reachable ? 'Normal' : 'Warning', reason, message: text, topic: `uplink ${key}` },
    })
  }
}
