import type { RouterKind } from '../../testkit/routers/index.ts'
import type { Meeting, MeetingOptions } from './meeting.ts'

/** A row of docs/interop.md: one thing that a node and a router do together. */
export interface Scenario {
  /** As it stands in the table. */
  readonly name: string
  readonly settings?: MeetingOptions
  /** Routers that cannot do it, and why. */
  readonly cannot?: Partial<Readonly<Record<RouterKind, string>>>
  readonly run: (meeting: Meeting) => Promise<void>
}
