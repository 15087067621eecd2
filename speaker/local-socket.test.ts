import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { close } from '../runtime/http.ts'
import type { LocalBgpSource, LocalPeer, LocalRoutes } from './local-bgp.ts'
import type { LocalNodeSource } from './local-node.ts'
import { serveLocally } from './local-socket.ts'
import type { NodeFacts } from './node-facts.ts'
import type { ObservedPeer, ObservedRoute, PeerCounters, WireCounters } from './wire/messages.ts'
import { WireStanding } from './wire-standing.ts'

const folder = mkdtempSync(join(tmpdir(), 'invar-socket-'))
const path = join(folder, 'speaker', 'speaker.sock')
const ANSWERS = [{ interface: 'eth0', mac: '02:00:00:00:00:09', afterMs: 0.4 }]
const PEER: ObservedPeer = {
  ...{ name: 'tor', address: '192.0.2.1', port: 179, vrf: '', state: 'Established', sinceMs: 0 },
  ...{ because: undefined, notice: undefined, session: undefined, bfd: undefined },
}
const ROUTE: ObservedRoute = {
  ...{ prefix: '192.0.2.10/32', state: 'announced', because: undefined, localPreference: 100 },
  ...{ communities: [], largeCommunities: [], advertisements: ['all'] },
}
const COUNTED = { name: 'tor', announcedPrefixes: 1, wantedPrefixes: 2 } as PeerCounters
let isDeaf = false
const BGP: LocalBgpSource = {
  peers: () => [PEER, { ...PEER, name: 'spine', state: 'Idle', because: 'silence' }],
  readCounters: () => Promise.resolve({ peers: [COUNTED] }),
  readRoutes: (peer) => Promise.resolve({ routes: peer === 'tor' ? [ROUTE] : undefined }),
}
const FACTS: NodeFacts = { links: [], forwards: true, hasIpvs: false, ports: [] }
const STANDING = new WireStanding(() => 5)
STANDING.take({ kind: 'members', alive: ['bravo'] })
STANDING.take({
  kind: 'interfaces',
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', usable: true, because: undefined }],
})
STANDING.take({ kind: 'uplink', interface: 'eth0', target: '192.0.2.1', reachable: false })
STANDING.take({ kind: 'fault', code: 'EADDRINUSE', message: 'heartbeats: bind' })
const COUNTERS: WireCounters = {
  addresses: [{ ip: '192.0.2.10', requestsReceived: 5, responsesSent: 4, gratuitousSent: 3 }],
  ...{ ignored: { 'not-owned': 2, malformed: 1 }, peers: [] },
}
const SESSIONS = [
  { peer: 'spine', state: 'Idle', because: 'silence' },
  { peer: 'tor', state: 'Established' },
]
let waitsFor: string | undefined
const ABOUT: LocalNodeSource = {
  standing: STANDING,
  ready: () => (waitsFor === undefined ? { ok: true } : { ok: false, because: waitsFor }),
  readFacts: () => FACTS,
  peers: BGP.peers,
  readCounters: () => Promise.resolve(isDeaf ? undefined : COUNTERS),
  readMetrics: () => Promise.resolve('metallb_speaker_announced 1\n'),
}
const asked: string[] = []
let server: Server

before(async () => {
  const ask = (ip: string, timeoutMs: number) => {
    asked.push(`${ip} ${timeoutMs}`)
    return Promise.resolve(isDeaf ? undefined : ANSWERS)
  }
  server = await serveLocally({ path, node: 'alpha', ask, bgp: BGP, about: ABOUT })
})
after(async () => {
  await close(server)
  rmSync(folder, { recursive: true })
})

async function get(target: string, method = 'GET'): Promise<readonly [number, string]> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath: path, path: target, method }, resolve).on('error', reject).end()
  })
  return [answer.statusCode!, (await text(answer)).trim()]
}

describe('the local socket', () => {
  test('is for the owner alone', () => {
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700)
  })

  test('asks the wire', async () => {
    const [status, body] = await get('/probe?address=2001:DB8:0::10&wait=250')
    assert.equal(status, 200)
    const expected = { address: '2001:db8::10', node: 'alpha', waitedMs: 250, answers: ANSWERS }
    assert.deepEqual(JSON.parse(body), expected)
    assert.deepEqual(asked.splice(0), ['2001:db8::10 250'])
  })

  test('says so when the wire thread does not answer', async () => {
    isDeaf = true
    assert.deepEqual(await get('/probe?address=192.0.2.10'), [503, 'the wire thread does not answer'])
    isDeaf = false
    assert.deepEqual(asked.splice(0), ['192.0.2.10 1000'])
  })

  test('tells of the BGP peers, by name', async () => {
    const [status, body] = await get('/peers')
    assert.equal(status, 200)
    const { node, peers } = JSON.parse(body)
    assert.equal(node, 'alpha')
    assert.deepEqual(
      peers.map(({ name, state, routes }: LocalPeer) => [name, state, routes]),
      [
        ['spine', 'Idle', undefined],
        ['tor', 'Established', { announced: 1, wanted: 2 }],
      ],
    )
  })

  test('tells what they were told', async () => {
    const routesOf = async (target: string) => JSON.parse((await get(target))[1]).peers
    const { because: _, ...route } = ROUTE
    assert.deepEqual(await routesOf('/routes?peer=tor'), [{ name: 'tor', state: 'Established', routes: [route] }])
    assert.deepEqual(await routesOf('/routes?peer=nobody'), [])
    assert.deepEqual(
      (await routesOf('/routes')).map(({ name, routes }: LocalRoutes) => [name, routes?.length]),
      [
        ['spine', undefined],
        ['tor', 1],
      ],
    )
  })

  test('tells of the node', async () => {
    const expected = {
      ...{ node: 'alpha', ready: true, alive: ['bravo'] },
      interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', usable: true }],
      uplinks: [{ interface: 'eth0', target: '192.0.2.1', reachable: false }],
      faults: [{ code: 'EADDRINUSE', message: 'heartbeats: bind', atMs: 5 }],
      sessions: SESSIONS,
      kernel: FACTS,
    }
    assert.deepEqual(JSON.parse((await get('/node'))[1]), expected)
    waitsFor = 'the key'
    const { ready, waitsFor: told } = JSON.parse((await get('/node'))[1])
    assert.deepEqual([ready, told], [false, 'the key'])
    waitsFor = undefined
  })

  test('gives the metrics', async () => {
    assert.deepEqual(JSON.parse((await get('/metrics'))[1]), { node: 'alpha', text: 'metallb_speaker_announced 1\n' })
  })

  test('tells what the speaker has done', async () => {
    assert.deepEqual(JSON.parse((await get('/activity'))[1]), {
      ...{ node: 'alpha', addresses: COUNTERS.addresses, ignored: 3 },
      sessions: SESSIONS,
    })
    isDeaf = true
    assert.equal((await get('/activity'))[0], 503)
    isDeaf = false
  })

  const REFUSED: readonly [target: string, method: string, status: number][] = [
    ['/probe', 'GET', 400],
    ['/probe?address=nonsense', 'GET', 400],
    ['/probe?address=192.0.2.10&wait=0', 'GET', 400],
    ['/probe?address=192.0.2.10&wait=60000', 'GET', 400],
    ['/probe?address=192.0.2.10', 'POST', 404],
    ['/else', 'GET', 404],
    ['/peers', 'POST', 404],
  ]
  for (const [target, method, status] of REFUSED) {
    test(`refuses ${method} ${target}`, async () => {
      assert.equal((await get(target, method))[0], status)
      assert.deepEqual(asked, [])
    })
  }
})

test('of many faults the newest are kept', () => {
  const standing = new WireStanding(() => 0)
  for (let index = 0; index < 20; index++) standing.take({ kind: 'fault', code: 'failed', message: `fault ${index}` })
  assert.deepEqual([standing.faults.length, standing.faults.at(-1)?.message], [16, 'fault 19'])
})

test('what a former life left in its place is replaced', async () => {
  const left = join(folder, 'left.sock')
  writeFileSync(left, '')
  await close(await serveLocally({ path: left, node: 'alpha', ask: () => Promise.resolve([]), bgp: BGP, about: ABOUT }))
})
