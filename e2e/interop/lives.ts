/** Scenarios: one side goes, comes back, or stands still; with BFD, without it, and with graceful restart. */
import assert from 'node:assert/strict'
import type { DesiredBfd } from '../../speaker/wire/messages.ts'
import { hostRoute, type Meeting, type MeetingOptions, VIP, VIP6 } from './meeting.ts'
import type { Scenario } from './scenario.ts'
import { watchTraffic } from './traffic.ts'

const BFD: DesiredBfd = {
  transmitIntervalMs: 50,
  receiveIntervalMs: 50,
  detectMultiplier: 3,
  echoIntervalMs: undefined,
  isPassive: false,
  minimumTtl: undefined,
}

/** 3 × 50 ms, and three times as much again for a machine that is busy with other tests; bench bfd-load measures. */
const NOTICED_MS = 600

const WITH_BFD: MeetingOptions = { node: { bfd: BFD }, router: { bfd: { intervalMs: 50, multiplier: 3 } } }
const GRACEFUL: MeetingOptions = { node: { restartTimeSeconds: 60 }, router: { gracefulRestart: true } }

const NO_BFD = { gobgp: 'has no BFD', exabgp: 'has no BFD' }
const KEEPS_NOTHING = 'keeps no routes of a neighbor that is away'

async function bfdUp(meeting: Meeting): Promise<void> {
  await meeting.established()
  await meeting.peer(({ bfd }) => bfd?.state === 'Up')
  await meeting.settled(async () => assert.equal((await meeting.neighbor()).bfd, 'up'))
}

/** The cable at the router is pulled: the node's link stays up, so only BFD can tell. */
async function bfdDown(meeting: Meeting, address: string): Promise<void> {
  meeting.announce(hostRoute(address))
  await bfdUp(meeting)
  const down = meeting.peer(({ state }) => state !== 'Established')
  meeting.routerHost.unplug()
  // Only now: the command waits its turn while other tests take their networks down, and the link lives on meanwhile.
  const pulledAt = performance.now()
  const { because } = await down
  const noticedMs = performance.now() - pulledAt
  assert.match(because!, /BFD/)
  assert.ok(noticedMs < NOTICED_MS, `noticed after ${noticedMs.toFixed(0)} ms`)
  await meeting.settled(async () => assert.equal((await meeting.neighbor()).isEstablished, false))
  meeting.routerHost.plug()
  await bfdUp(meeting)
}

/** A client behind the router talks to the address while the speaker is away; no packet may be lost. */
async function restarts(meeting: Meeting, leave: (meeting: Meeting) => Promise<void>): Promise<void> {
  meeting.announce(hostRoute(VIP))
  await meeting.established()
  await meeting.routes(`${VIP}/32`)
  const traffic = await watchTraffic(meeting)
  await leave(meeting)
  await traffic.pass(500)
  await meeting.startNode()
  meeting.announce(hostRoute(VIP))
  await meeting.established()
  await traffic.pass(1_000)
  await traffic.assertNothingLost()
  const [route] = await meeting.routes(`${VIP}/32`)
  assert.notEqual(route!.isStale, true)
}

export const LIVES: readonly Scenario[] = [
  {
    name: 'graceful restart: the speaker is killed, no packet is lost',
    settings: GRACEFUL,
    cannot: { exabgp: KEEPS_NOTHING },
    run: (meeting) => restarts(meeting, () => meeting.node.kill()),
  },
  {
    name: 'graceful restart: the speaker is upgraded, no packet is lost',
    settings: GRACEFUL,
    cannot: { exabgp: KEEPS_NOTHING },
    run: (meeting) => restarts(meeting, () => meeting.node.leave()),
  },
  {
    name: 'graceful restart: what is gone after it is withdrawn with End-of-RIB',
    settings: GRACEFUL,
    cannot: { exabgp: KEEPS_NOTHING },
    async run(meeting) {
      meeting.announce(hostRoute(VIP), hostRoute('198.51.100.11'))
      await meeting.established()
      await meeting.routes(`${VIP}/32`, '198.51.100.11/32')
      await meeting.node.kill()
      await meeting.startNode()
      meeting.announce(hostRoute(VIP))
      await meeting.routes(`${VIP}/32`)
    },
  },
  {
    name: 'without graceful restart: the routes go with the speaker',
    async run(meeting) {
      meeting.announce(hostRoute(VIP))
      await meeting.routes(`${VIP}/32`)
      await meeting.node.kill()
      await meeting.routes()
    },
  },
  {
    name: 'the node leaves for good: withdrawn, then closed with a text (RFC 9003)',
    async run(meeting) {
      meeting.announce(hostRoute(VIP))
      await meeting.established()
      await meeting.routes(`${VIP}/32`)
      const left = meeting.node.next('left')
      meeting.node.post({ kind: 'leave', farewell: { kind: 'shutdown', text: 'drained', drainMs: 200 } })
      await left
      await meeting.routes()
      assert.equal((await meeting.neighbor()).isEstablished, false)
    },
  },
  {
    name: 'the router restarts',
    async run(meeting) {
      meeting.announce(hostRoute(VIP))
      await meeting.routes(`${VIP}/32`)
      await meeting.router.kill()
      await meeting.peer(({ state }) => state !== 'Established')
      await meeting.router.stop()
      await meeting.startRouter()
      await meeting.established(30_000)
      await meeting.routes(`${VIP}/32`)
    },
  },
  {
    name: 'the router stops reading: hold time, then all is sent anew',
    settings: { node: { holdTimeSeconds: 3 }, router: { holdTimeSeconds: 3 } },
    async run(meeting) {
      const many = Array.from({ length: 3000 }, (_, index) => hostRoute(`10.9.${index >> 8}.${index & 255}`))
      meeting.announce(hostRoute(VIP))
      await meeting.established()
      await meeting.routes(`${VIP}/32`)
      meeting.router.freeze()
      meeting.announce(...many)
      await meeting.answersQuickly()
      const { because } = await meeting.peer(({ state }) => state !== 'Established')
      assert.match(because!, /hold timer/)
      meeting.announce(hostRoute(VIP))
      meeting.router.thaw()
      await meeting.established(40_000)
      await meeting.routes(`${VIP}/32`)
    },
  },
  { name: 'BFD: up', settings: WITH_BFD, cannot: NO_BFD, run: bfdUp },
  {
    name: 'BFD: down in the detection time, and up again',
    settings: WITH_BFD,
    cannot: NO_BFD,
    run: (meeting) => bfdDown(meeting, VIP),
  },
  {
    name: 'BFD over IPv6',
    settings: { ...WITH_BFD, place: 'near6' },
    cannot: NO_BFD,
    run: (meeting) => bfdDown(meeting, VIP6),
  },
  {
    name: 'BFD over several hops (RFC 5883)',
    settings: {
      place: 'far',
      // BIRD sends with TTL 64.
      node: { bfd: { ...BFD, minimumTtl: 60 }, distance: { kind: 'multihop' } },
      router: { ...WITH_BFD.router, multihop: 5 },
    },
    cannot: NO_BFD,
    run: (meeting) => bfdDown(meeting, VIP),
  },
]
