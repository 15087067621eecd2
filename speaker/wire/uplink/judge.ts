/**
 * Whether the uplink behind one interface works, from rounds of echoes: asked, then answered or not. Pure, and the same
 * for whatever is asked.
 */

export interface Uplink {
  /**
   * `unknown`: nothing has ever answered. A gateway that does not answer echoes at all, or a target that was mistyped,
   * must not take addresses away; so only what has answered before can be lost.
   */
  readonly status: 'unknown' | 'reachable' | 'lost'
  /** Rounds in a row that speak against `status`. */
  readonly against: number
}

export const UNKNOWN: Uplink = { status: 'unknown', against: 0 }

/** What is lost comes back only after so many answers in a row, or more where more misses were allowed. */
const LEAST_RETURN_ROUNDS = 3

/** The uplink after one more round. */
export function judgeRound(uplink: Uplink, isAnswered: boolean, missedLimit: number): Uplink {
  switch (uplink.status) {
    case 'unknown':
      return isAnswered ? { status: 'reachable', against: 0 } : uplink
    case 'reachable':
      return isAnswered ? { ...uplink, against: 0 } : contradict(uplink, missedLimit, 'lost')
    case 'lost':
      if (!isAnswered) return { ...uplink, against: 0 }
      return contradict(uplink, Math.max(missedLimit, LEAST_RETURN_ROUNDS), 'reachable')
  }
}

function contradict(uplink: Uplink, limit: number, otherwise: Uplink['status']): Uplink {
  const against = uplink.against + 1
  return against >= limit ? { status: otherwise, against: 0 } : { ...uplink, against }
}

/** Between two nodes that consider to step in where nobody has an uplink: longer than a heartbeat takes to arrive. */
export const STEP_IN_GAP_MS = 300

/** What a node whose uplink is lost knows of the others. */
export interface Others {
  /** Members that are alive and offer at least one interface. */
  readonly offering: number
  /** Members that are alive and come before this one in the order of names. */
  readonly before: number
}

/**
 * What to do with an interface whose uplink is lost. Given away at once if anybody else offers one: the others count
 * as having an uplink as long as they do not say otherwise. If nobody does, an address on a segment without uplink is
 * better than none, and one node after the other considers to step in; the second finds the first there.
 */
export function withholdOrStepIn(others: Others): { readonly kind: 'withhold' } | { kind: 'step-in'; afterMs: number } {
  if (others.offering > 0) return { kind: 'withhold' }
  return { kind: 'step-in', afterMs: others.before * STEP_IN_GAP_MS }
}
