import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Layer2Decision, SilentReason } from '../core/announce/index.ts'
import { countUnannounced } from './unannounced.ts'

function silent(because: SilentReason): Layer2Decision {
  return { kind: 'silent', because, detail: '', excluded: [] }
}

const ANNOUNCE = { kind: 'announce', ips: ['192.0.2.1'] } as unknown as Layer2Decision

interface Case {
  readonly name: string
  readonly decision: Layer2Decision | undefined
  readonly isReported?: true
  readonly isAnnouncedByBgp?: true
  readonly counts: 0 | 1
}

const CASES: readonly Case[] = [
  { name: 'a Service that is to be announced and is not', decision: ANNOUNCE, counts: 1 },
  { name: 'one that a node reports to answer for', decision: ANNOUNCE, isReported: true, counts: 0 },
  { name: 'one that no advertisement reaches', decision: silent('noMatchingAdvertisement'), counts: 1 },
  { name: 'one for BGP alone', decision: silent('noMatchingAdvertisement'), isAnnouncedByBgp: true, counts: 0 },
  { name: 'one whose every node is excluded', decision: silent('nodeLabeledExcludeBalancers'), counts: 1 },
  { name: 'one without Pods', decision: silent('noEndpoints'), counts: 0 },
  { name: 'one without Pods where it may be answered for', decision: silent('noLocalEndpoints'), counts: 0 },
  { name: 'one that has no address yet', decision: silent('noIPAllocated'), counts: 0 },
  { name: 'one of another class', decision: silent('otherLoadBalancerClass'), counts: 0 },
  { name: 'one that was not looked at yet', decision: undefined, counts: 0 },
]

for (const { name, decision, isReported = false, isAnnouncedByBgp = false, counts } of CASES) {
  test(`${name} ${counts === 1 ? 'counts' : 'does not count'} as unannounced`, () => {
    const found = countUnannounced({
      keys: () => ['default/web'],
      layer2DecisionOn: () => decision,
      isReported: () => isReported,
      isAnnouncedByBgp: () => isAnnouncedByBgp,
    })
    assert.equal(found, counts)
  })
}
