import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { VirtualClock } from '../testkit/virtual-clock.ts'
import { ApiError } from './api-error.ts'
import type { Client } from './client.ts'
import { ScrapeAccess } from './scrape-access.ts'

interface Reviewed {
  readonly kind: string
  readonly spec: Record<string, unknown>
}

/** An API server that knows one user, and what that user may do. */
class Reviewer {
  readonly asked: Reviewed[] = []
  user: object | undefined = { username: 'system:serviceaccount:monitoring:prometheus', uid: '7', groups: ['g'] }
  allowed = true
  failure: ApiError | undefined

  readonly client = {
    create: async (resource: { readonly kind: string }, object: { readonly spec: Record<string, unknown> }) => {
      if (this.failure !== undefined) throw this.failure
      this.asked.push({ kind: resource.kind, spec: object.spec })
      if (resource.kind === 'SubjectAccessReview') return { metadata: { name: '' }, status: { allowed: this.allowed } }
      return { metadata: { name: '' }, status: { authenticated: this.user !== undefined, user: this.user } }
    },
  } as unknown as Pick<Client, 'create'>
}

function request(token?: string) {
  return { url: '/metrics?x=1', headers: token === undefined ? {} : { authorization: token } }
}

suite('who may read the metrics', () => {
  const tokenless: readonly (readonly [name: string, header: string | undefined])[] = [
    ['no header', undefined],
    ['a password', 'Basic dXNlcjpwYXNz'],
    ['an empty token', 'Bearer '],
    ['two tokens', 'Bearer a b'],
  ]
  for (const [name, header] of tokenless) {
    test(`${name}: 401, and nobody is asked`, async () => {
      const reviewer = new Reviewer()
      const access = new ScrapeAccess(reviewer.client, new VirtualClock())
      assert.equal((await access.refusalOf(request(header)))?.status, 401)
      assert.deepEqual(reviewer.asked, [])
    })
  }

  test('the user behind the token is asked about, with groups, for GET on the very path', async () => {
    const reviewer = new Reviewer()
    const access = new ScrapeAccess(reviewer.client, new VirtualClock())
    assert.equal(await access.refusalOf(request('Bearer good')), undefined)
    const [token, subject] = reviewer.asked
    assert.deepEqual(token, { kind: 'TokenReview', spec: { token: 'good' } })
    assert.deepEqual(subject?.spec.nonResourceAttributes, { path: '/metrics', verb: 'get' })
    assert.equal(subject?.spec.user, 'system:serviceaccount:monitoring:prometheus')
    assert.deepEqual(subject?.spec.groups, ['g'])
  })

  test('a token that nobody knows: 401; a user without the right: 403', async () => {
    const reviewer = new Reviewer()
    const access = new ScrapeAccess(reviewer.client, new VirtualClock())
    reviewer.allowed = false
    assert.equal((await access.refusalOf(request('Bearer poor')))?.status, 403)
    reviewer.user = undefined
    assert.equal((await access.refusalOf(request('Bearer unknown')))?.status, 401)
  })

  test('an API server that is away: 503, and not remembered', async () => {
    const reviewer = new Reviewer()
    const access = new ScrapeAccess(reviewer.client, new VirtualClock())
    reviewer.failure = new ApiError('unavailable', 'nobody there')
    assert.equal((await access.refusalOf(request('Bearer good')))?.status, 503)
    reviewer.failure = undefined
    assert.equal(await access.refusalOf(request('Bearer good')), undefined)
  })

  test('answers are remembered: a minute if allowed, ten seconds if not', async () => {
    const reviewer = new Reviewer()
    const clock = new VirtualClock()
    const access = new ScrapeAccess(reviewer.client, clock)
    await access.refusalOf(request('Bearer good'))
    clock.advance(59_000)
    await access.refusalOf(request('Bearer good'))
    assert.equal(reviewer.asked.length, 2)
    clock.advance(2_000)
    reviewer.allowed = false
    assert.equal((await access.refusalOf(request('Bearer good')))?.status, 403)
    reviewer.allowed = true
    clock.advance(11_000)
    assert.equal(await access.refusalOf(request('Bearer good')), undefined)
  })

  test('a thousand random tokens are not all remembered', async () => {
    const reviewer = new Reviewer()
    reviewer.user = undefined
    const access = new ScrapeAccess(reviewer.client, new VirtualClock())
    for (let index = 0; index < 1_000; index++) await access.refusalOf(request(`Bearer t${index}`))
    reviewer.asked.length = 0
    for (let index = 0; index < 1_000; index++) await access.refusalOf(request(`Bearer t${index}`))
    assert.equal(reviewer.asked.length, 1_000)
  })
})
