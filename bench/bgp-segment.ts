/** What the benches of BGP share: a node with a real wire thread and BIRD routers that listen to it, on one LAN. */
import { setTimeout as delay } from 'node:timers/promises'
import type { DesiredPeer, DesiredRoute, ServiceRoutes } from '../speaker/wire/messages.ts'
import { createLan, type Lan } from '../testkit/netns.ts'
import { type NeighborOptions, type Router, type RouterOptions, startRouter } from '../testkit/routers/index.ts'
import { startWireNode, type WireNode } from '../testkit/wire-node.ts'

export const NODE_ADDRESS = '10.97.0.1'
export const NODE_ASN = 64512
/** Another sender of the same routes. */
export const RIVAL_ADDRESS = '10.97.0.2'
export const RIVAL_ASN = 64513
const ROUTER_ASN = 64500
const POLL_MS = 2
const LIMIT_MS = 60_000

export function routerAddress(index: number): string {
  return `10.97.${1 + (index >> 8)}.${1 + (index & 255)}`
}

/** Host route number `index` of the Services. */
export function prefixOf(index: number): string {
  return `10.${100 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}/32`
}

export function serviceRoutes(index: number, more: Partial<DesiredRoute> = {}): ServiceRoutes {
  const route = {
    prefix: prefixOf(index),
    advertisement: 'default',
    localPreference: undefined,
    communities: [],
    largeCommunities: [],
    peers: undefined,
  }
  return { key: `test/${index}`, routes: [{ ...route, ...more }] }
}

export function peerAt(address: string, more: Partial<DesiredPeer> = {}): DesiredPeer {
  return {
    name: address,
    target: { kind: 'address', address },
    port: 179,
    localAsn: NODE_ASN,
    remote: { kind: 'asn', asn: ROUTER_ASN },
    routerId: undefined,
    holdTimeSeconds: 90,
    keepaliveTimeSeconds: undefined,
    connectTimeSeconds: 1,
    dualStack: false,
    distance: { kind: 'direct' },
    sourceAddress: undefined,
    device: undefined,
    password: undefined,
    restartTimeSeconds: undefined,
    role: undefined,
    mustHaveRole: false,
    isPassive: false,
    bfd: undefined,
    ...more,
  }
}

export interface SegmentSettings {
  /** The routers keep the routes out of their FIB. */
  readonly isCollector?: boolean
  /** What they do alike about the node and its rival. */
  readonly neighbor?: Partial<NeighborOptions>
}

/** Milliseconds since 1970. A router that takes routes answers late: its session is older than it was seen. */
export interface Reception {
  readonly seenEstablishedMs: number
  readonly receivedMs: number
}

export class BgpSegment implements AsyncDisposable {
  readonly lan: Lan
  readonly routers: readonly Router[]
  readonly #stack: AsyncDisposableStack

  private constructor(lan: Lan, routers: readonly Router[], stack: AsyncDisposableStack) {
    this.lan = lan
    this.routers = routers
    this.#stack = stack
  }

  /** So many routers, which wait for the node and its rival. */
  static async start(count: number, settings: SegmentSettings = {}): Promise<BgpSegment> {
    await using stack = new AsyncDisposableStack()
    const indices = Array.from({ length: count }, (_, index) => index)
    const lan = createLan([
      { name: 'node', addresses: [`${NODE_ADDRESS}/16`] },
      { name: 'rival', addresses: [`${RIVAL_ADDRESS}/16`] },
      ...indices.map((index) => ({ name: `router${index}`, addresses: [`${routerAddress(index)}/16`] })),
    ])
    stack.defer(() => lan.close())
    const routers: Router[] = []
    for (const index of indices) {
      const localAddress = routerAddress(index)
      const common = { localAddress, holdTimeSeconds: 90, ...settings.neighbor }
      const options: RouterOptions = {
        namespace: lan.host(`router${index}`),
        isCollector: settings.isCollector ?? false,
        asn: ROUTER_ASN,
        routerId: localAddress,
        neighbors: [
          { ...common, address: NODE_ADDRESS, asn: NODE_ASN },
          { ...common, address: RIVAL_ADDRESS, asn: RIVAL_ASN },
        ],
      }
      routers.push(stack.use(await startRouter('bird', options)))
    }
    return new BgpSegment(lan, routers, stack.move())
  }

  /** A wire thread on the node; `main` as in WireNodeOptions. */
  startNode(main?: string): Promise<WireNode> {
    return startWireNode(this.lan.host('node'), { name: 'node', ...(main !== undefined && { main }) })
  }

  /** BIRD as a sender of these prefixes to all routers. */
  startRival(networks: readonly string[]): Promise<Router> {
    return startRouter('bird', {
      namespace: this.lan.host('rival'),
      asn: RIVAL_ASN,
      routerId: RIVAL_ADDRESS,
      neighbors: this.routers.map((_, index) => ({
        ...{ address: routerAddress(index), localAddress: RIVAL_ADDRESS, asn: ROUTER_ASN },
        ...{ connects: true, holdTimeSeconds: 90 },
      })),
      networks,
      isCollector: true,
    })
  }

  /** Resolves when that many routes are in the RIBs of the first so many routers. @returns one a router */
  receive(sender: string, count: number, routers = this.routers.length): Promise<readonly Reception[]> {
    const receptions = this.routers.slice(0, routers).map(async (router) => {
      await until(async () => (await router.neighbor(sender)).isEstablished)
      const seenEstablishedMs = Date.now()
      await until(async () => (await router.neighbor(sender)).received >= count)
      return { seenEstablishedMs, receivedMs: Date.now() }
    })
    return Promise.all(receptions)
  }

  async untilGone(sender: string): Promise<void> {
    for (const router of this.routers) await until(async () => !(await router.neighbor(sender)).isEstablished)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + LIMIT_MS
  while (!(await isSo())) {
    if (performance.now() > limit) throw new Error(`not so within ${LIMIT_MS / 1000} s`)
    await delay(POLL_MS)
  }
}
