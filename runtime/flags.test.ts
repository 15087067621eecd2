import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FlagTable, readFlags } from './flags.ts'

const TABLE = {
  port: { about: 'metrics port', kind: 'number', default: '9120' },
  namespace: { about: 'namespace', kind: 'text', env: 'METALLB_NAMESPACE', default: '' },
  'log-level': { about: 'level', kind: 'text', default: 'info', oneOf: ['debug', 'info'] },
  'ignore-exclude-lb': { about: 'ignore the label', kind: 'switch', default: 'false' },
  host: { about: 'old', kind: 'text', default: '', noEffect: 'the address of the node is read from the API server' },
} as const satisfies FlagTable

const VALUES = ['port', 'namespace', 'log-level', 'ignore-exclude-lb'] as const

const ACCEPTED: readonly [
  string,
  string[],
  Record<string, string>,
  Partial<Record<(typeof VALUES)[number], string>>,
][] = [
  ['defaults', [], {}, { port: '9120', namespace: '', 'log-level': 'info', 'ignore-exclude-lb': 'false' }],
  ['double dash', ['--port', '1'], {}, { port: '1' }],
  ['double dash with equals', ['--port=1'], {}, { port: '1' }],
  ['single dash', ['-port', '1'], {}, { port: '1' }],
  ['single dash with equals', ['-log-level=debug'], {}, { 'log-level': 'debug' }],
  ['a switch alone', ['--ignore-exclude-lb'], {}, { 'ignore-exclude-lb': 'true' }],
  ['a switch with a value', ['-ignore-exclude-lb=false'], {}, { 'ignore-exclude-lb': 'false' }],
  [
    'a switch before another flag',
    ['--ignore-exclude-lb', '--port', '2'],
    {},
    { 'ignore-exclude-lb': 'true', port: '2' },
  ],
  ['environment', [], { METALLB_NAMESPACE: 'lb' }, { namespace: 'lb' }],
  ['the flag wins over the environment', ['--namespace=a'], { METALLB_NAMESPACE: 'b' }, { namespace: 'a' }],
  ['an empty variable counts as absent', [], { METALLB_NAMESPACE: '' }, { namespace: '' }],
]

for (const [name, args, environment, expected] of ACCEPTED) {
  test(`flags: ${name}`, () => {
    const result = readFlags(TABLE, args, environment)
    assert.equal(result.kind, 'flags')
    if (result.kind !== 'flags') return
    for (const [flag, value] of Object.entries(expected)) {
      assert.equal(result.flags.text(flag as (typeof VALUES)[number]), value)
    }
  })
}

const REFUSED: readonly [string, string[], RegExp][] = [
  ['an unknown flag', ['--prot=1'], /Unknown option '--prot'; --help lists the flags/],
  ['a word that is not a flag', ['serve'], /Unexpected argument 'serve'/],
  ['text where a number belongs', ['--port=http'], /--port is "http" but must be a whole number/],
  ['a value outside the list', ['--log-level=loud'], /--log-level is "loud" but must be one of debug, info/],
]

for (const [name, args, message] of REFUSED) {
  test(`flags: ${name} stops the start`, () => {
    const result = readFlags(TABLE, args, {})
    assert.equal(result.kind, 'wrong')
    assert.match(result.kind === 'wrong' ? result.message : '', message)
  })
}

test('flags: one without effect is accepted and named', () => {
  const result = readFlags(TABLE, ['--host=1.2.3.4'], {})
  assert.deepEqual(result.kind === 'flags' ? result.flags.notices : undefined, [
    '--host has no effect: the address of the node is read from the API server',
  ])
})

test('flags: help names every flag, its variable and its default', () => {
  const result = readFlags(TABLE, ['--help'], {})
  const text = result.kind === 'help' ? result.text : ''
  assert.match(text, /--namespace \[\$METALLB_NAMESPACE\]/)
  assert.match(text, /metrics port \(default 9120\)/)
})
