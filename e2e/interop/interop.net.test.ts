/** Every scenario with every router that can do it. The routers are tested at once, each one's scenarios in turn. */
import { after, describe, type TestContext, test } from 'node:test'
import { closeLans } from '../../testkit/netns.ts'
import { require, requireRoot } from '../../testkit/privilege.ts'
import { missingRouterPrograms, ROUTER_KINDS, type RouterKind } from '../../testkit/routers/index.ts'
import { Meeting } from './meeting.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'

after(closeLans)

describe('interop', { concurrency: ROUTER_KINDS.length }, () => {
  for (const kind of ROUTER_KINDS) {
    describe(kind, { concurrency: 1 }, () => {
      for (const scenario of SCENARIOS) {
        if (scenario.cannot?.[kind] === undefined)
          test(scenario.name, { timeout: 90_000 }, (t) => play(t, kind, scenario))
      }
    })
  }
})

async function play(t: TestContext, kind: RouterKind, { settings = {}, run }: Scenario): Promise<void> {
  if (!requireRoot(t)) return
  const missing = missingRouterPrograms()
  if (!require(t, missing.length === 0, `${missing.join(', ')}: run \`node build/packages.ts\``)) return
  const meeting = new Meeting(kind, settings)
  try {
    await meeting.begin()
    await run(meeting)
  } catch (error) {
    t.diagnostic(meeting.story())
    throw error
  } finally {
    await meeting.end()
  }
}
