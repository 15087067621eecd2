/** The validating webhook's verdict, as a pure function over what the API server has. */
import type { ObjectMeta } from '../../crds/index.ts'
import { parsePrefix, rangeOfPrefix } from '../../net/ip/index.ts'
import { compile } from './compile.ts'
import { Findings } from './draft.ts'
import type { Problem } from './problem.ts'
import { type ConfigKind, type ConfigResource, isConfigKind, LIST_OF_KIND, type Resources } from './resources.ts'
import type { ObjectRef } from './snapshot.ts'

/** What an AdmissionReview asks. */
export type Submission =
  | { readonly operation: 'CREATE'; readonly object: ConfigResource }
  | { readonly operation: 'UPDATE'; readonly object: ConfigResource; readonly oldObject: ConfigResource }
  | { readonly operation: 'DELETE'; readonly oldObject: ConfigResource }

export interface Judgement {
  readonly allowed: boolean
  /** Why not; empty where allowed. */
  readonly problems: readonly Problem[]
  /** For the `warnings` of the review's answer; kubectl prints them. */
  readonly warnings: readonly string[]
}

/**
 * Judges one submitted object against everything else that is live. Only what involves the object counts, and of faults
 * between it and others only those that it brings: an old fault must not stand in the way of a repair. References to
 * what may still come (BFD profiles, Secrets, names of communities) give a warning, so that objects may arrive in any
 * order.
 */
export function judge(submission: Submission, live: Resources): Judgement {
  if (submission.operation === 'DELETE') return judgeDeletion(submission.oldObject, live)
  const { object } = submission
  // The webhook may be registered for kinds that Invar writes itself; nothing is to be said of those.
  if (!isConfigKind(object.kind)) return ALLOWED
  const { kind } = object
  const ref = refOf(kind, object, live)
  // MetalLB does not look at updates elsewhere either: such objects are not read, and a finalizer must come off them.
  if (submission.operation === 'UPDATE' && ref.namespace !== live.namespace) return ALLOWED
  if (submission.operation === 'UPDATE' && isUntouched(submission.object, submission.oldObject)) return ALLOWED
  const submitted = submission.operation === 'CREATE' ? asYoungest(object) : object
  const after = involving(ref, compile(substitute(live, kind, ref, submitted)).problems)
  const before = new Set(involving(ref, compile(live).problems).map(textOf))
  const problems = after.filter(
    (problem) => problem.severity === 'error' && (isSame(problem.object, ref) || !before.has(textOf(problem))),
  )
  const mild = after.filter((problem) => problem.severity !== 'error' && isSame(problem.object, ref))
  const allowed = problems.length === 0
  // What is refused may be of any form: only what is in order is looked at for what else it may mean.
  const warnings = [...mild, ...(allowed ? warnAbout(ref, object) : [])].map((problem) => problem.message)
  return { allowed, problems, warnings }
}

const ALLOWED: Judgement = { allowed: true, problems: [], warnings: [] }

/** The clock of Kubernetes has seconds: what another object was created in may be this one's too. */
function asYoungest<T extends ConfigResource>(object: T): T {
  const { creationTimestamp: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

function judgeDeletion(object: ConfigResource, live: Resources): Judgement {
  if (object.kind !== 'BFDProfile') return ALLOWED
  const ref = refOf('BFDProfile', object, live)
  if (live.namespace !== undefined && ref.namespace !== live.namespace) return ALLOWED
  const users = live.peers.filter(
    ({ metadata, spec }) => spec?.bfdProfile === ref.name && metadata.deletionTimestamp === undefined,
  )
  if (users.length === 0) return ALLOWED
  const findings = new Findings(ref)
  const names = users.map(({ metadata }) => metadata.name)
  const related = users.map((peer) => refOf('BGPPeer', peer, live))
  findings.error('', 'bfd-profile-in-use', `is used by BGPPeer ${names.join(', ')}; change it there first`, related)
  return { allowed: false, problems: findings.problems, warnings: [] }
}

function refOf(kind: ConfigKind, { metadata }: { readonly metadata: ObjectMeta }, live: Resources): ObjectRef {
  const name = metadata.name ?? metadata.generateName ?? ''
  return { kind, namespace: metadata.namespace ?? live.namespace ?? '', name }
}

function isSame(a: ObjectRef, b: ObjectRef): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name
}

/** Nothing that the configuration is made of differs: a finalizer or an annotation of another program was changed. */
function isUntouched(object: ConfigResource, oldObject: ConfigResource): boolean {
  const seen = ({ metadata, spec }: ConfigResource) =>
    JSON.stringify([spec, metadata.labels, Object.entries(metadata.annotations ?? {}).filter(isOurs)])
  return seen(object) === seen(oldObject)
}

function isOurs([annotation]: readonly [string, string]): boolean {
  return annotation.startsWith('invar.dev/')
}

function substitute(live: Resources, kind: ConfigKind, ref: ObjectRef, object: ConfigResource): Resources {
  const list = LIST_OF_KIND[kind]
  const others = (live[list] as readonly ConfigResource[]).filter((other) => !isSame(refOf(kind, other, live), ref))
  return { ...live, [list]: [...others, object] }
}

function involving(ref: ObjectRef, problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ object, related = [] }) => [object, ...related].some((one) => isSame(one, ref)))
}

function textOf(problem: Problem): string {
  return JSON.stringify([problem.object, problem.rule, problem.path])
}

/** What is in order, yet may be meant otherwise. Said only once, when the object is written. */
function warnAbout(ref: ObjectRef, object: ConfigResource): readonly Problem[] {
  const findings = new Findings(ref)
  if (object.kind !== 'IPAddressPool' || object.spec?.avoidBuggyIPs === true) return []
  for (const [index, text] of (object.spec?.addresses ?? []).entries()) {
    const prefix = parsePrefix(text)
    // Blocks of one and two addresses have neither (RFC 3021).
    if (prefix === undefined || prefix.family !== 4 || prefix.length > 30) continue
    if (rangeOfPrefix(prefix).last % 256n !== 255n) continue
    const said = `"${text}" holds an address that ends in .255, which some clients refuse; avoidBuggyIPs leaves it out`
    findings.notice(`spec.addresses[${index}]`, 'network-or-broadcast-address', said)
  }
  return findings.problems
}
