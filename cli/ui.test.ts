import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubernetesObject, Resource } from '../operator/index.ts'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import type { Installation, PodShape } from './installation.ts'
import { AccountToken } from './page-token.ts'
import { pagePort } from './ui.ts'

interface PodWords {
  readonly isReady?: boolean
  readonly page?: number
}

function pod(name: string, { isReady = true, page = 9190 }: PodWords = {}): PodShape {
  const health = { name: 'health', containerPort: 17472 }
  return {
    metadata: { name, namespace: 'metallb-system' },
    spec: {
      containers: [
        { name: 'controller', ports: page === 0 ? [health] : [health, { name: 'page', containerPort: page }] },
      ],
    },
    status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  }
}

function installation(controllers: readonly PodShape[], holder?: string): Installation {
  const times = { acquiredAt: '', renewedAt: '', durationSeconds: 15 }
  return { namespace: 'metallb-system', controllers, speakers: [], ...(holder && { lease: { holder, ...times } }) }
}

test('the leader is asked, who knows the decisions', () => {
  const both = [pod('controller-a'), pod('controller-b', { page: 1234 })]
  const leader = pagePort(installation(both, 'controller-b_5f0e'))
  assert.deepEqual(leader, { namespace: 'metallb-system', pod: 'controller-b', port: 1234 })
})

test('while nobody leads, or the leader is not ready, another one', () => {
  const both = [pod('controller-a', { isReady: false }), pod('controller-b')]
  assert.equal(pagePort(installation(both)).pod, 'controller-b')
  assert.equal(pagePort(installation(both, 'controller-a_5f0e')).pod, 'controller-b')
})

test('no controller, and a controller without a page: what is in the way, and the remedy', () => {
  assert.throws(() => pagePort(installation([])), /no controller is ready in namespace metallb-system: invarctl status/)
  assert.throws(
    () => pagePort(installation([pod('controller-a', { page: 0 })])),
    /controller-a serves no page: switch it on with the value controller\.page\.enabled=true/,
  )
})

test('a token is asked for once, and anew before its life is over', async () => {
  const asked: { readonly plural: string; readonly object: KubernetesObject }[] = []
  const client = {
    create: async <T extends KubernetesObject>({ plural }: Resource<T>, object: T): Promise<T> => {
      asked.push({ plural, object })
      return { ...object, status: { token: `token-${asked.length}` } }
    },
  }
  const clock = new VirtualClock()
  const tokens = new AccountToken(client, clock, 'metallb-system', 'lb-invar-controller-page')
  assert.deepEqual([await tokens.get(), await tokens.get()], ['token-1', 'token-1'])
  assert.equal(asked[0]?.plural, 'serviceaccounts/lb-invar-controller-page/token')
  assert.equal(asked[0]?.object.apiVersion, 'authentication.k8s.io/v1')
  clock.advance(50 * 60_000)
  assert.equal(await tokens.get(), 'token-2')
})
