import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, type Level } from './log.ts'

function capture(level: Level) {
  const lines: Record<string, unknown>[] = []
  const log = createLog({ level, wall: () => 0, write: (line) => void lines.push(JSON.parse(line)) })
  return { log, lines }
}

test('a line carries ts, level, caller, event and msg', () => {
  const { log, lines } = capture('info')
  log.of('allocator').info('ipAllocated', 'gave 192.0.2.1', { service: 'default/web' })
  assert.deepEqual(lines, [
    {
      ts: '1970-01-01T00:00:00.000Z',
      level: 'info',
      caller: 'allocator',
      event: 'ipAllocated',
      msg: 'gave 192.0.2.1',
      service: 'default/web',
    },
  ])
})

test('the level holds back what is below it, and can be changed', () => {
  const { log, lines } = capture('warn')
  log.info('a', 'unseen')
  log.error('b', 'seen')
  log.setLevel('debug')
  log.of('x').debug('c', 'seen now')
  assert.deepEqual(
    lines.map((line) => line.event),
    ['b', 'c'],
  )
})

test('nothing is logged at level none', () => {
  const { log, lines } = capture('none')
  log.error('a', 'unseen')
  assert.deepEqual(lines, [])
})

for (const name of ['password', 'secretkey', 'token', 'Authorization', 'keys']) {
  test(`the value of a field named ${name} is never printed, however deep`, () => {
    const { log, lines } = capture('all')
    log.debug('configuration', 'peer', { peer: { name: 'tor', [name]: 'hunter2' } })
    assert.doesNotMatch(JSON.stringify(lines), /hunter2/)
    assert.match(JSON.stringify(lines), /<redacted>/)
  })
}

test('an error is printed with its causes in one sentence', () => {
  const { log, lines } = capture('all')
  log.warn('listFailed', 'x', { error: new Error('list services', { cause: new Error('connection refused') }) })
  assert.equal(lines[0]?.error, 'list services: connection refused')
})

test('bigint, Set and Map are printed, not lost', () => {
  const { log, lines } = capture('all')
  log.info('a', 'b', { size: 2n ** 64n, names: new Set(['x']), byName: new Map([['x', 1]]) })
  assert.deepEqual([lines[0]?.size, lines[0]?.names, lines[0]?.byName], ['18446744073709551616', ['x'], { x: 1 }])
})
