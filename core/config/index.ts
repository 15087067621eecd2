export { type Judgement, judge, type Submission } from './admission.ts'
export { formatCommunity } from './communities.ts'
export { type Compiled, compile } from './compile.ts'
export { localPreferencesConflict } from './local-preference.ts'
export { viewOfNode } from './node-view.ts'
export { REUSE_AFTER_ANNOTATION } from './pools.ts'
export type { Problem } from './problem.ts'
export {
  type ConfigKind,
  type ConfigResource,
  gather,
  isConfigKind,
  LIST_OF_KIND,
  type NamespaceFacts,
  NO_RESOURCES,
  type NodeFacts,
  type Resources,
  type SecretFacts,
} from './resources.ts'
export { RULES, type Rule } from './rules.ts'
export { compileSelector, type Labels, matches, matchesAny, type Selector } from './selector.ts'
export type {
  BfdProfile,
  BgpAdvertisement,
  BgpPeer,
  Community,
  CommunityValue,
  L2Advertisement,
  ObjectRef,
  Pool,
  PoolAllocation,
  PoolEntry,
  Snapshot,
} from './snapshot.ts'
