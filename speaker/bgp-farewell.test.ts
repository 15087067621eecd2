import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nodeViewOf } from '../core/announce/index.ts'
import { ApiError } from '../operator/index.ts'
import { type DaemonSetFate, daemonSetFate, farewellOf } from './bgp-farewell.ts'

const HEALTHY = nodeViewOf({ metadata: { name: 'alpha' } })

describe('a speaker that is told to stop', () => {
  const rows: [string, Parameters<typeof farewellOf>[0], DaemonSetFate, string | undefined][] = [
    ['comes back where all is well: it is upgraded', HEALTHY, 'there', undefined],
    ['comes back where nobody can be asked', HEALTHY, 'unknown', undefined],
    ['is gone with its DaemonSet', HEALTHY, 'gone', 'the speaker was uninstalled'],
    ['makes room on a cordoned node', { ...HEALTHY, isCordoned: true }, 'there', 'the node is being emptied'],
    [
      'makes room on a node that is shutting down',
      { ...HEALTHY, isReady: false },
      'there',
      'the node is shutting down',
    ],
    ['is gone with its node', undefined, 'there', 'the node was removed from the cluster'],
  ]
  for (const [what, node, daemonSet, text] of rows) {
    test(what, () => {
      const farewell = farewellOf(node, daemonSet)
      assert.equal(farewell.kind === 'shutdown' ? farewell.text : undefined, text)
    })
  }
})

describe('the fate of the DaemonSet', () => {
  const pod = {
    metadata: { name: 'p', ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: '1' }] },
  }
  const refused = (kind: ApiError['kind']) => new ApiError(kind, kind)
  const rows: [string, Record<string, object>, DaemonSetFate][] = [
    ['it is there', { pods: pod, daemonsets: { metadata: { name: 'd' } } }, 'there'],
    ['it is being deleted', { pods: pod, daemonsets: { metadata: { name: 'd', deletionTimestamp: 'now' } } }, 'gone'],
    ['it is gone', { pods: pod, daemonsets: refused('not-found') }, 'gone'],
    ['it cannot be read', { pods: pod, daemonsets: refused('forbidden') }, 'unknown'],
    ['the API server is away', { pods: refused('unavailable') }, 'unknown'],
    ['the Pod is gone', { pods: refused('not-found') }, 'unknown'],
    ['the Pod is of no DaemonSet', { pods: { metadata: { name: 'p' } } }, 'unknown'],
  ]
  for (const [what, answers, fate] of rows) {
    test(what, async () => {
      const get = async ({ plural }: { plural: string }) => {
        const answer = answers[plural]
        if (answer instanceof Error) throw answer
        return answer as never
      }
      assert.equal(await daemonSetFate({ get }, { namespace: 'metallb-system', name: 'p' }), fate)
    })
  }
})
