import type { DesiredService, ServiceRoutes, ToWire } from './wire/messages.ts'

/** All that the wire thread has been told to do, as the few messages that would tell another one the same. */
export class LastKnown {
  readonly #services = new Map<string, DesiredService>()
  readonly #routes = new Map<string, ServiceRoutes>()
  #membership: Extract<ToWire, { kind: 'membership' }> | undefined
  #peers: Extract<ToWire, { kind: 'peers' }> | undefined
  #hasServices = false
  #hasRoutes = false

  /** @returns whether it is of a kind that is remembered */
  take(message: ToWire): boolean {
    switch (message.kind) {
      case 'desired':
        replace(this.#services, message, ({ layer2 }) => layer2.length === 0)
        this.#hasServices ||= message.complete
        return true
      case 'routes':
        replace(this.#routes, message, ({ routes }) => routes.length === 0)
        this.#hasRoutes ||= message.complete
        return true
      case 'membership':
        this.#membership = message
        return true
      case 'peers':
        this.#peers = message
        return true
      default:
        return false
    }
  }

  /** In the order in which they are to be posted. */
  messages(): readonly ToWire[] {
    const messages: ToWire[] = []
    if (this.#membership !== undefined) messages.push(this.#membership)
    if (this.#hasServices) messages.push({ kind: 'desired', complete: true, services: [...this.#services.values()] })
    if (this.#peers !== undefined) messages.push(this.#peers)
    if (this.#hasRoutes) messages.push({ kind: 'routes', complete: true, services: [...this.#routes.values()] })
    return messages
  }
}

function replace<T extends { readonly key: string }>(
  known: Map<string, T>,
  { complete, services }: { readonly complete: boolean; readonly services: readonly T[] },
  isEmpty: (entry: T) => boolean,
): void {
  if (complete) known.clear()
  for (const entry of services) {
    if (isEmpty(entry)) known.delete(entry.key)
    else known.set(entry.key, entry)
  }
}
