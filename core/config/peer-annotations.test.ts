import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { peer, resources } from '../../testkit/resources.ts'
import { compile } from './compile.ts'

const ADDRESS = { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' }

function compiled(annotations: Readonly<Record<string, string>>) {
  const { snapshot, problems } = compile(resources([peer('tor', ADDRESS, { annotations })]))
  return { peer: snapshot.peers.get('tor'), rules: problems.map(({ rule, path }) => [rule, path]) }
}

describe('annotations of a BGPPeer', () => {
  const none = { isPassive: false, securityHops: undefined, role: undefined, isRoleRequired: false }
  const rows: [Record<string, string>, object][] = [
    [{}, {}],
    [{ 'invar.dev/passive': 'true' }, { isPassive: true }],
    [{ 'invar.dev/passive': 'false' }, {}],
    [{ 'invar.dev/ttl-security-hops': '1' }, { securityHops: 1 }],
    [{ 'invar.dev/ttl-security-hops': '254' }, { securityHops: 254 }],
    [
      { 'invar.dev/role': 'customer', 'invar.dev/role-required': 'true' },
      { role: 'customer', isRoleRequired: true },
    ],
  ]
  for (const [annotations, expected] of rows) {
    test(JSON.stringify(annotations), () => {
      const { peer: form, rules } = compiled(annotations)
      const { isPassive, securityHops, role, isRoleRequired } = form!
      assert.deepEqual([{ isPassive, securityHops, role, isRoleRequired }, rules], [{ ...none, ...expected }, []])
    })
  }

  const wrong: [string, string][] = [
    ['invar.dev/passive', 'yes'],
    ['invar.dev/ttl-security-hops', '0'],
    ['invar.dev/ttl-security-hops', '255'],
    ['invar.dev/ttl-security-hops', 'one'],
    ['invar.dev/role', 'upstream'],
    ['invar.dev/role-required', ''],
  ]
  for (const [name, text] of wrong) {
    test(`${name} "${text}" is refused`, () => {
      const { peer: form, rules } = compiled({ [name]: text })
      assert.deepEqual([form, rules], [undefined, [['peer-annotation-invalid', `metadata.annotations[${name}]`]]])
    })
  }
})
