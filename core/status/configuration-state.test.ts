import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '../config/index.ts'
import { configurationStateObject, configurationStatus, type Judgement } from './configuration-state.ts'

const NOON = Date.UTC(2026, 0, 1, 12)
const EVENING = Date.UTC(2026, 0, 1, 20)
const CONTROLLER = { kind: 'controller' } as const

function problem(name: string, severity: Problem['severity'] = 'error'): Problem {
  const object = { kind: 'IPAddressPool', namespace: 'metallb-system', name }
  const path = 'spec.addresses[0]'
  const message = `IPAddressPool ${name}, ${path}: "x" is no address`
  return { object, path, rule: 'address-unparsable', message, severity }
}

function judged(...problems: readonly Problem[]): Judgement {
  return { kind: 'judged', problems }
}

const VERDICTS: readonly [string, Judgement, string, string, string][] = [
  ['no problem', judged(), 'Valid', 'True', 'Reconciled'],
  ['a notice', judged(problem('web', 'notice')), 'Valid', 'True', 'Reconciled'],
  ['an error', judged(problem('web')), 'Invalid', 'False', 'ConfigurationError'],
  ['something that waits', judged(problem('web', 'waiting')), 'Invalid', 'False', 'ConfigurationError'],
  ['not read', { kind: 'unknown', message: 'no list' }, 'Unknown', 'Unknown', 'UnknownError'],
]

for (const [about, judgement, result, conditionStatus, reason] of VERDICTS) {
  test(`${about}: ${result}`, () => {
    const status = configurationStatus(CONTROLLER, judgement, undefined, NOON)!
    assert.equal(status.result, result)
    const [condition] = status.conditions!
    assert.deepEqual(
      [condition!.type, condition!.status, condition!.reason],
      ['poolReconcilerValid', conditionStatus, reason],
    )
    assert.equal(condition!.lastTransitionTime, '2026-01-01T12:00:00Z')
    assert.equal(configurationStatus(CONTROLLER, judgement, status, EVENING), undefined, 'said once')
  })
}

test('every problem is named, not only the first', () => {
  const status = configurationStatus(CONTROLLER, judged(problem('web'), problem('db')), undefined, NOON)!
  assert.equal(
    status.errorSummary,
    'IPAddressPool web, spec.addresses[0]: "x" is no address\nIPAddressPool db, spec.addresses[0]: "x" is no address',
  )
})

test('another error is no transition, a repair is', () => {
  const broken = configurationStatus(CONTROLLER, judged(problem('web')), undefined, NOON)!
  const otherwise = configurationStatus(CONTROLLER, judged(problem('db')), broken, EVENING)!
  assert.equal(otherwise.conditions![0]!.lastTransitionTime, '2026-01-01T12:00:00Z')
  const repaired = configurationStatus(CONTROLLER, judged(), otherwise, EVENING)!
  assert.equal(repaired.conditions![0]!.lastTransitionTime, '2026-01-01T20:00:00Z')
  assert.equal(repaired.errorSummary, '')
})

test('names, labels and condition of a speaker', () => {
  const speaker = { kind: 'speaker', node: 'alpha' } as const
  const { metadata } = configurationStateObject(speaker, 'metallb-system', undefined)
  assert.equal(metadata.name, 'speaker-alpha')
  assert.deepEqual(metadata.labels, { 'metallb.io/component-type': 'speaker', 'metallb.io/node-name': 'alpha' })
  const status = configurationStatus(speaker, judged(), undefined, NOON)!
  assert.equal(status.conditions![0]!.type, 'configReconcilerValid')
})
