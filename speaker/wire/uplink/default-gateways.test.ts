import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from '../../../net/ip/index.ts'
import { parseIpv4Routes, parseIpv6Routes } from './default-gateways.ts'

const IPV4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t00000000\tFE02A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0
eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
eth1\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
eth2\t00000000\t01000A0A\t0003\t0\t0\t0\t00000080\t0\t0\t0
`

const ZERO = '0'.repeat(32)
const IPV6 = [
  `${ZERO} 00 ${ZERO} 00 fe80000000000000000000000000000a 00000400 00000001 00000000 00000003     eth0`,
  `20010db8000000000000000000000000 40 ${ZERO} 00 ${ZERO} 00000100 00000001 00000000 00000001     eth0`,
  `${ZERO} 00 ${ZERO} 00 ${ZERO} ffffffff 00000001 00000000 00200200       lo`,
].join('\n')

function texts(gateways: ReturnType<typeof parseIpv4Routes>): Record<string, string> {
  return Object.fromEntries([...gateways].map(([name, address]) => [name, formatAddress(address)]))
}

test('the best default route of each interface names its gateway; routes without one, and halves of all, do not', () => {
  assert.deepEqual(texts(parseIpv4Routes(IPV4)), { eth0: '192.168.2.1' })
  assert.deepEqual(texts(parseIpv6Routes(IPV6)), { eth0: 'fe80::a' })
  assert.deepEqual(texts(parseIpv4Routes('')), {})
  assert.deepEqual(texts(parseIpv6Routes('')), {})
})
