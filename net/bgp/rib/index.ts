export { AdjRibOut, type PeerFigures, type RouteReport } from './adj-rib-out.ts'
export { type Carriage, carriageOf, type NextHops } from './carriage.ts'
export type { NotCarried } from './peer-out.ts'
export { type Contribution, DEFAULT_LOCAL_PREFERENCE } from './policy.ts'
