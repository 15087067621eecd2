/** All that a node and a router do together: the rows of the table in docs/interop.md. */
import { LIVES } from './lives.ts'
import { ROUTES } from './routes.ts'
import type { Scenario } from './scenario.ts'
import { SESSIONS } from './sessions.ts'

export type { Scenario } from './scenario.ts'

export const SCENARIOS: readonly Scenario[] = [...SESSIONS, ...ROUTES, ...LIVES]
