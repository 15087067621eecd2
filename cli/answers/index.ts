/** The schema of what each command prints with `-o json`, for scripts and for tests. */
import { CannotRun } from '../cannot-run.ts'
import { LINT, PLAN, POOLS } from './configuration.ts'
import { MIGRATE, RELEASE_SERVICES, ROTATE_KEY, UI, VERSION_ANSWER } from './program.ts'
import { DRAIN, EXPLAIN, OWNERS } from './services.ts'
import type { Schema } from './shape.ts'
import { NODES, PEERS, PROBE, ROUTES, TOP } from './speakers.ts'
import { BUNDLE, DOCTOR, STATUS } from './support.ts'

/** By the name of the command; of `top`, of one line. */
export const ANSWERS: Readonly<Record<string, Schema>> = {
  status: STATUS.schema,
  top: TOP.schema,
  doctor: DOCTOR.schema,
  bundle: BUNDLE.schema,
  lint: LINT.schema,
  pools: POOLS.schema,
  explain: EXPLAIN.schema,
  plan: PLAN.schema,
  owners: OWNERS.schema,
  nodes: NODES.schema,
  probe: PROBE.schema,
  peers: PEERS.schema,
  routes: ROUTES.schema,
  drain: DRAIN.schema,
  'rotate-key': ROTATE_KEY.schema,
  ui: UI.schema,
  migrate: MIGRATE.schema,
  'release-services': RELEASE_SERVICES.schema,
  version: VERSION_ANSWER.schema,
}

/** @throws CannotRun where no command of that name prints JSON */
export function schemaText(command: string): string {
  if (!Object.hasOwn(ANSWERS, command)) {
    throw new CannotRun(`there is no schema of ${command}`, `there is one of ${Object.keys(ANSWERS).join(', ')}`)
  }
  const heading = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: `invarctl ${command} -o json` }
  return `${JSON.stringify({ ...heading, ...ANSWERS[command] }, null, 2)}\n`
}
