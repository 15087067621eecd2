import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from './metrics.ts'

test('of the loop only the lag at the scrape is told: statistics would wake up a program at rest', async () => {
  const metrics = new Metrics()
  metrics.collectProcess()
  const told = (await metrics.text()).matchAll(/^# TYPE (nodejs_eventloop\w+) /gm)
  assert.deepEqual(
    Array.from(told, ([, name]) => name),
    ['nodejs_eventloop_lag_seconds'],
  )
})
