import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compile } from '../core/config/index.ts'
import { bfd, peer, resources } from '../testkit/resources.ts'
import { desiredPeers } from './bgp-peers.ts'
import type { DesiredPeer } from './wire/messages.ts'

const ADDRESS = { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' }

type Spec = Parameters<typeof peer>[1]

function desired(spec: Spec, annotations: Readonly<Record<string, string>> = {}): DesiredPeer {
  const objects = [
    peer('tor', { ...ADDRESS, ...spec }, { annotations }),
    bfd('fast', { echoMode: true, minimumTtl: 250 }),
  ]
  const { snapshot, problems } = compile(resources(objects))
  assert.deepEqual(problems, [])
  return desiredPeers(snapshot, {})[0]!
}

test('the least that a peer says, with the defaults', () => {
  assert.deepEqual(desired({}), {
    ...{ name: 'tor', target: { kind: 'address', address: '192.0.2.1' }, port: 179 },
    ...{ localAsn: 64_512, remote: { kind: 'asn', asn: 64_513 }, routerId: undefined },
    ...{ holdTimeSeconds: 90, keepaliveTimeSeconds: undefined, connectTimeSeconds: undefined, dualStack: false },
    ...{ distance: { kind: 'direct' }, sourceAddress: undefined, device: undefined, password: undefined },
    ...{ restartTimeSeconds: undefined, role: undefined, mustHaveRole: false, isPassive: false, bfd: undefined },
  })
})

describe('each field', () => {
  const rows: [Spec, Partial<DesiredPeer>][] = [
    [{ localASN: 65_001 }, { localAsn: 65_001 }],
    [{ peerPort: 1790 }, { port: 1790 }],
    [
      { holdTime: '30s', keepaliveTime: '5s' },
      { holdTimeSeconds: 30, keepaliveTimeSeconds: 5 },
    ],
    [{ connectTime: '7s' }, { connectTimeSeconds: 7 }],
    [{ ebgpMultiHop: true }, { distance: { kind: 'multihop' } }],
    [{ enableGracefulRestart: true }, { restartTimeSeconds: 120 }],
    [{ vrf: 'red' }, { device: 'red' }],
    [{ dualStackAddressFamily: true }, { dualStack: true }],
    [
      { sourceAddress: '192.0.2.9', routerID: '10.0.0.1' },
      { sourceAddress: '192.0.2.9', routerId: '10.0.0.1' },
    ],
    [{ password: 'secret' }, { password: 'secret' }],
  ]
  for (const [spec, expected] of rows) {
    test(JSON.stringify(spec), () => assert.deepEqual({ ...desired(spec), ...expected }, desired(spec)))
  }

  test('a BFD profile, with what it leaves out', () => {
    const common = { transmitIntervalMs: 300, receiveIntervalMs: 300, detectMultiplier: 3, isPassive: false }
    assert.deepEqual(desired({ bfdProfile: 'fast' }).bfd, { ...common, echoIntervalMs: 50, minimumTtl: 250 })
  })

  test('TTL security goes before multihop', () => {
    const { distance } = desired({ ebgpMultiHop: true }, { 'invar.dev/ttl-security-hops': '3' })
    assert.deepEqual(distance, { kind: 'hops', hops: 3 })
  })
})

test('only peers that select the node', () => {
  const selecting = { ...ADDRESS, nodeSelectors: [{ matchLabels: { rack: 'a' } }] }
  const { snapshot } = compile(resources([peer('tor', selecting)]))
  const names = [{ rack: 'a' }, { rack: 'b' }].map((labels) => desiredPeers(snapshot, labels).map(({ name }) => name))
  assert.deepEqual(names, [['tor'], []])
})
