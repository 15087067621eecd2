import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillIn, mentions } from './template.ts'

const TEMPLATE = `as {{asn}};
# [each neighbors]
neighbor {{address}} {
# [if password] TCP MD5 (RFC 2385)
  password "{{password}}";
# [end]
# [if bfd]
  bfd {{bfd.intervalMs}};
# [end]
# [unless connects]
  passive;
# [end]
}
# [end]
# a comment [if it were] one`

test('blocks are repeated, kept and left out; an inner value hides an outer one', () => {
  const values = {
    asn: 64500,
    bfd: { intervalMs: 50 },
    neighbors: [
      { address: 'a', password: 'x', connects: true, bfd: { intervalMs: 10 } },
      { address: 'b', password: false, bfd: false },
    ],
  }
  assert.deepEqual(fillIn(TEMPLATE, values).split('\n'), [
    'as 64500;',
    ...['neighbor a {', '  password "x";', '  bfd 10;', '}'],
    ...['neighbor b {', '  passive;', '}'],
    '# a comment [if it were] one',
  ])
})

const WRONG: readonly [string, string, RegExp][] = [
  ['a value that is not there', 'as {{asn}};', /no value for \{\{asn\}\}/],
  ['a block without an end', '! [if password]\nx', /no \[end\] for: ! \[if password\]/],
]

for (const [about, template, error] of WRONG) {
  test(`refused: ${about}`, () => assert.throws(() => fillIn(template, {}), error))
}

test('what a template says nothing about is known', () => {
  assert.deepEqual(
    ['password', 'bfd', 'connects', 'asn', 'role', 'pass'].filter((name) => mentions(TEMPLATE, name)),
    ['password', 'bfd', 'connects', 'asn'],
  )
})
