import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from '../ip/index.ts'
import { identifierOfNodeName } from './index.ts'

for (const [node, identifier] of [
  ['alpha', '106.57.224.208'],
  ['bravo', '137.184.155.9'],
] as const) {
  test(`the router id of node ${node} is ${identifier}`, () => {
    assert.equal(formatAddress({ family: 4, bits: BigInt(identifierOfNodeName(node)) }), identifier)
  })
}
