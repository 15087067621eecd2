import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DecisionRow, ServiceRow } from './model.ts'
import { PageState } from './state.ts'

function service(key: string, words: Partial<ServiceRow> = {}): ServiceRow {
  return { key, standing: 'served', addresses: ['192.0.2.1'], ...words }
}

function decision(number: number): DecisionRow {
  return { number, at: '2026-01-01T00:00:00Z', kind: 'allocated', service: 'default/web', sentence: '' }
}

const ABOUT = { pod: 'controller-1', namespace: 'metallb-system', isLeader: true, decisionsKept: 3, unread: [] }

test('what is told in pieces is there when all was told, by name', () => {
  const state = new PageState()
  state.apply({ isFirst: true, about: ABOUT, services: [service('b/web'), service('a/web')] })
  assert.equal(state.isComplete, false)
  state.apply({ isComplete: true, services: [service('a/api')] })
  assert.equal(state.isComplete, true)
  assert.deepEqual(
    state.services.map(({ key }) => key),
    ['a/api', 'a/web', 'b/web'],
  )
})

test('what is wrong comes first', () => {
  const state = new PageState()
  const services = [
    service('a/web'),
    service('b/web', { standing: 'silent' }),
    service('c/web', { standing: 'waiting' }),
  ]
  state.apply({ isFirst: true, services })
  const keys = () => state.services.map(({ key }) => key)
  assert.deepEqual(keys(), ['c/web', 'b/web', 'a/web'])
  state.apply({ services: [service('c/web')] })
  assert.deepEqual(keys(), ['b/web', 'a/web', 'c/web'])
})

test('a change replaces one row, and what is gone is gone', () => {
  const state = new PageState()
  state.apply({ isFirst: true, isComplete: true, services: [service('a/web'), service('b/web')] })
  state.apply({ services: [service('a/web', { standing: 'silent' })], gone: ['b/web'] })
  assert.deepEqual(
    state.services.map(({ key, standing }) => [key, standing]),
    [['a/web', 'silent']],
  )
})

test('after a reconnection nothing flickers: what was known stays until all was told anew, then what was not told goes', () => {
  const state = new PageState()
  state.apply({ isFirst: true, isComplete: true, services: [service('a/web'), service('b/web')] })
  state.apply({ isFirst: true, services: [service('a/web')] })
  assert.equal(state.services.length, 2)
  state.apply({ isComplete: true })
  assert.deepEqual(
    state.services.map(({ key }) => key),
    ['a/web'],
  )
})

test('sections that are not named stay, those that are named are replaced whole', () => {
  const state = new PageState()
  const problem = { severity: 'error', object: 'IPAddressPool lan', rule: 'address-unparsable', sentence: '' } as const
  state.apply({ isFirst: true, problems: [problem] })
  state.apply({ services: [service('a/web')] })
  assert.equal(state.problems.length, 1)
  state.apply({ problems: [] })
  assert.equal(state.problems.length, 0)
})

test('decisions: the newest first, no more than the controller keeps, and those of the old connection are not told twice', () => {
  const state = new PageState()
  state.apply({ isFirst: true, about: ABOUT, decisions: [decision(1), decision(2)] })
  state.apply({ decisions: [decision(3), decision(4)] })
  const numbers = () => state.decisions.map(({ number }) => number)
  assert.deepEqual(numbers(), [4, 3, 2])
  state.apply({ isFirst: true, decisions: [decision(3), decision(4)] })
  assert.deepEqual(numbers(), [4, 3])
})
