import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NetworkInterface } from '../../native/index.ts'
import { addressToBytes, formatAddress, formatPrefix } from '../../net/ip/index.ts'
import { ip } from '../../testkit/raw-host-frames.ts'
import { assessInterfaces, identityOf } from './interfaces.ts'

const ETH0: NetworkInterface = {
  index: 3,
  name: 'eth0',
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  kind: undefined,
  master: undefined,
  operationalState: 'up',
  isEthernet: true,
  isUp: true,
  hasCarrier: true,
  canBroadcast: true,
  isNoArp: false,
  isLoopback: false,
  addresses: [],
}

function assess(links: readonly Partial<NetworkInterface>[], excluded: readonly RegExp[] = []) {
  const all = links.map((link, index) => ({ ...ETH0, index: index + 1, ...link }))
  return assessInterfaces(new Map(all.map((link) => [link.index, link])), excluded)
}

function address(text: string, isTentative = false): NetworkInterface['addresses'][number] {
  const [host, length] = text.split('/') as [string, string]
  const { family } = ip(host)
  return {
    family,
    bytes: addressToBytes(ip(host)),
    prefixLength: Number(length),
    scope: host.startsWith('fe80') ? 'link' : 'global',
    isTentative,
    isDeprecated: false,
  }
}

describe('which interfaces addresses can be announced on', () => {
  const rows: readonly [name: string, link: Partial<NetworkInterface>, because: string | undefined][] = [
    ['Ethernet that is up', {}, undefined],
    ['a bridge', { kind: 'bridge' }, undefined],
    ['a port of a bridge', { master: 20 }, 'enslaved'],
    ['a bond', { kind: 'bond' }, undefined],
    ['a member of a bond', { master: 21 }, 'enslaved'],
    ['a member of a bond that is the standby', { master: 21, operationalState: 'dormant' }, 'enslaved'],
    ['a bond whose members all have no carrier', { kind: 'bond', hasCarrier: false }, 'no-carrier'],
    ['a VLAN', { kind: 'vlan' }, undefined],
    ['an interface of a VRF', { master: 22 }, 'enslaved'],
    ['one that is to use no ARP', { isNoArp: true }, 'no-arp'],
    ['one that is to use no ARP, in a bond', { isNoArp: true, master: 21 }, 'no-arp'],
    ['a tunnel', { isEthernet: false, mac: '' }, 'not-ethernet'],
    ['InfiniBand, whose address is longer', { mac: '80:00:00:48:fe:80:00:00:00:00:00:00' }, 'not-ethernet'],
    ['a point-to-point link', { canBroadcast: false }, 'no-broadcast'],
    ['one that is down', { isUp: false, hasCarrier: false }, 'down'],
    ['one whose cable is pulled', { hasCarrier: false }, 'no-carrier'],
  ]
  for (const [name, link, because] of rows) {
    test(`${name}: ${because ?? 'usable'}`, () => {
      const { usable, observed } = assess([link])
      assert.deepEqual(observed, [{ name: 'eth0', mac: link.mac ?? ETH0.mac, usable: because === undefined, because }])
      assert.equal(usable.length, because === undefined ? 1 : 0)
    })
  }

  test('the loopback interface and excluded names do not exist', () => {
    const links = [{ name: 'lo', isLoopback: true }, { name: 'veth1' }, { name: 'eth0' }]
    assert.deepEqual(
      assess(links, [/^veth/]).observed.map(({ name }) => name),
      ['eth0'],
    )
  })
})

describe('what the neighbours are told', () => {
  const rows: readonly [name: string, addresses: NetworkInterface['addresses'], linkLocal: string | undefined][] = [
    ['no address at all', [], undefined],
    ['a global address is no source of advertisements', [address('2001:db8::1/64')], undefined],
    ['a link-local address', [address('2001:db8::1/64'), address('fe80::1/64')], 'fe80::1'],
    ['a tentative one is not to be used yet (RFC 4862 section 5.4)', [address('fe80::1/64', true)], undefined],
    ['of two the one that is not tentative', [address('fe80::1/64', true), address('fe80::2/64')], 'fe80::2'],
  ]
  for (const [name, addresses, linkLocal] of rows) {
    test(name, () => {
      const [one] = assess([{ addresses }]).usable
      assert.equal(one?.linkLocal && formatAddress(one.linkLocal), linkLocal)
    })
  }

  test('a link-local address that becomes usable, and another MAC, are news', () => {
    const identity = (link: Partial<NetworkInterface>) => identityOf(assess([link]).usable[0]!)
    const states: readonly Partial<NetworkInterface>[] = [
      { addresses: [address('fe80::1/64', true)] },
      { addresses: [address('fe80::1/64')] },
      { addresses: [address('fe80::1/64')], mac: '02:00:00:00:00:02' },
    ]
    assert.equal(new Set(states.map(identity)).size, 3)
  })

  test('IPv4 addresses come with their prefixes, for questions in the name of one of them', () => {
    const [one] = assess([{ addresses: [address('192.0.2.1/24'), address('10.0.0.1/8')] }]).usable
    assert.deepEqual(
      one?.ipv4.map(({ address, prefix }) => `${formatAddress(address)} ${formatPrefix(prefix)}`),
      ['192.0.2.1 192.0.2.0/24', '10.0.0.1 10.0.0.0/8'],
    )
  })
})
