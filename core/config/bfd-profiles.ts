/** BFDProfile: the defaults that MetalLB documents are filled in; the schema has checked the bounds. */
import { type Draft, draft } from './draft.ts'
import type { Resources } from './resources.ts'
import type { BfdProfile } from './snapshot.ts'

export function draftBfdProfiles(resources: Resources): readonly Draft<BfdProfile>[] {
  return draft('BFDProfile', resources.bfdProfiles, resources, ({ metadata, spec = {} }) => ({
    name: metadata.name ?? '',
    detectMultiplier: spec.detectMultiplier ?? 3,
    receiveIntervalMs: spec.receiveInterval ?? 300,
    transmitIntervalMs: spec.transmitInterval ?? 300,
    echoIntervalMs: spec.echoInterval ?? 50,
    echoMode: spec.echoMode ?? false,
    passiveMode: spec.passiveMode ?? false,
    minimumTtl: spec.minimumTtl,
  }))
}
