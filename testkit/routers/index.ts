/** Real routers in namespaces: FRR, BIRD, GoBGP and ExaBGP from Debian packages, behind one interface. */
import { startBird } from './bird.ts'
import { startExabgp } from './exabgp.ts'
import { startFrr } from './frr.ts'
import { startGobgp } from './gobgp.ts'
import type { Router, RouterKind, RouterOptions } from './router.ts'

export { missingRouterPrograms } from './programs.ts'
export type * from './router.ts'
export { ROUTER_KINDS } from './router.ts'

const START: Readonly<Record<RouterKind, (options: RouterOptions) => Promise<Router>>> = {
  frr: startFrr,
  bird: startBird,
  gobgp: startGobgp,
  exabgp: startExabgp,
}

/** Resolves once the router answers questions; its sessions may still be down. Needs root. */
export function startRouter(kind: RouterKind, options: RouterOptions): Promise<Router> {
  return START[kind](options)
}
