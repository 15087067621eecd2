import type { ObjectRef } from './snapshot.ts'

/**
 * Something that the user got wrong, said so that they can put it right: which object, which field, which rule, and
 * what to do. The same value reaches the status, the event, the webhook's answer and `invarctl lint`.
 */
export interface Problem {
  readonly object: ObjectRef
  /** Other objects that the problem is about: the older pool that this one overlaps, for example. */
  readonly related?: readonly ObjectRef[]
  /** JSONPath-like position inside the object, e.g. `spec.addresses[1]`; '' for the object as a whole. */
  readonly path: string
  /** Stable code in kebab-case, e.g. `address-unparsable`; rules.ts explains each. */
  readonly rule: string
  /** One sentence that names object, field and value, says what is wrong and what would be right. */
  readonly message: string
  /** `error`: the object is left out. `waiting`: it refers to something that is not there yet. `notice`: it is in force. */
  readonly severity: 'error' | 'waiting' | 'notice'
}
