/**
 * Leaders as processes on the real API server: killed, frozen past their lease and thawed, stopped in good order. The
 * judge is the API server's audit log: between two writes of the Lease by one identity, nobody else has written.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { after, before, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'

const CONTENDER = fileURLToPath(new URL('../testkit/lease-contender.ts', import.meta.url))
const [LEASE_MS, DEADLINE_MS, RETRY_MS] = [3_000, 2_000, 400]

let plane: ControlPlane

before(async () => {
  plane = await startControlPlane({ auditLog: true })
})

after(() => plane.stop())

/** A contender and what it says. */
class Contender {
  readonly said: string[] = []
  readonly process: ChildProcess
  #waiters: { readonly pattern: RegExp; readonly from: number; readonly resolve: () => void }[] = []

  constructor(t: TestContext, namespace: string, identity: string) {
    const args = [CONTENDER, plane.kubeconfig, namespace, identity, LEASE_MS, DEADLINE_MS, RETRY_MS].map(String)
    this.process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.said.push(line)
      for (const waiter of this.#waiters) if (this.#hasSaid(waiter.pattern, waiter.from)) waiter.resolve()
    })
    t.after(() => this.process.kill('SIGKILL'))
  }

  /** Waits until it says something like this, later than what it has said so far or, with `from`, than that line. */
  async says(pattern: RegExp, from = this.said.length): Promise<void> {
    if (this.#hasSaid(pattern, from)) return
    await new Promise<void>((resolve) => this.#waiters.push({ pattern, from, resolve }))
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.process.kill(signal)
    await once(this.process, 'exit')
  }

  #hasSaid(pattern: RegExp, from: number): boolean {
    return this.said.slice(from).some((line) => pattern.test(line))
  }
}

interface AuditedWrite {
  readonly at: string
  readonly by: string
  readonly what: 'lease' | 'work'
  readonly code: number
}

/** Writes in the namespace that were carried out, in the order in which they were received. */
function auditedWrites(namespace: string): AuditedWrite[] {
  const lines = readFileSync(plane.auditLogPath, 'utf8').trim().split('\n')
  return lines
    .map((line) => JSON.parse(line))
    .filter((entry) => entry.stage === 'ResponseComplete' && entry.objectRef?.namespace === namespace)
    .filter((entry) => ['create', 'update', 'patch'].includes(entry.verb) && entry.responseStatus.code < 300)
    .filter((entry) => !String(entry.userAgent).startsWith('kubectl'))
    .map((entry) => ({
      at: entry.requestReceivedTimestamp,
      by: entry.userAgent,
      what: entry.objectRef.resource === 'leases' ? ('lease' as const) : ('work' as const),
      code: entry.responseStatus.code,
    }))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
}

/** Every piece of work was done by whoever had written the Lease last. @returns pieces of work by identity */
function assertFenced(namespace: string): Record<string, number> {
  let holder: string | undefined
  const work: Record<string, number> = {}
  for (const write of auditedWrites(namespace)) {
    if (write.what === 'lease') holder = write.by
    else {
      assert.equal(write.by, holder, `${write.by} wrote at ${write.at} while ${holder} held the lease`)
      work[write.by] = (work[write.by] ?? 0) + 1
    }
  }
  return work
}

function namespaceOf(name: string): string {
  plane.kubectl(['create', 'namespace', name])
  plane.kubectl(['create', 'configmap', 'written', '-n', name])
  return name
}

function during(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

test('killed: another takes over after the lease, and only then', async (t) => {
  const namespace = namespaceOf('killed')
  const first = new Contender(t, namespace, 'first')
  await first.says(/^elected/, 0)
  const second = new Contender(t, namespace, 'second')
  await during(1_500)
  await first.end('SIGKILL')
  const killedAt = performance.now()
  await second.says(/^elected/, 0)
  const tookMs = performance.now() - killedAt
  assert.ok(tookMs < 2 * LEASE_MS, `took over after ${tookMs} ms`)
  await during(500)
  await second.end('SIGTERM')
  const work = assertFenced(namespace)
  t.diagnostic(`took over after ${Math.round(tookMs)} ms; writes: ${JSON.stringify(work)}`)
  assert.ok(work.first! > 50 && work.second! > 50)
})

test('frozen past its lease and thawed: it writes nothing, and says so', async (t) => {
  const namespace = namespaceOf('frozen')
  const first = new Contender(t, namespace, 'first')
  await first.says(/^elected/, 0)
  const second = new Contender(t, namespace, 'second')
  for (let round = 0; round < 3; round++) {
    const [leader, other] = round % 2 === 0 ? [first, second] : [second, first]
    await during(700 + 137 * round)
    leader.process.kill('SIGSTOP')
    await other.says(/^elected/)
    await during(300)
    const deposed = leader.says(/^deposed/)
    leader.process.kill('SIGCONT')
    await deposed
  }
  await during(500)
  await Promise.all([first.end('SIGTERM'), second.end('SIGTERM')])
  const work = assertFenced(namespace)
  t.diagnostic(`writes: ${JSON.stringify(work)}`)
  assert.ok(work.first! > 50 && work.second! > 50)
})

test('stopped in good order: the lease is given back and taken at the next look', async (t) => {
  const namespace = namespaceOf('stopped')
  const first = new Contender(t, namespace, 'first')
  await first.says(/^elected/, 0)
  const second = new Contender(t, namespace, 'second')
  await during(1_000)
  const elected = second.says(/^elected/, 0)
  await first.end('SIGTERM')
  await elected
  await second.end('SIGTERM')
  assertFenced(namespace)
  const lastOfTheFirst = auditedWrites(namespace).findLast((write) => write.by === 'first')
  const claim = auditedWrites(namespace).find((write) => write.by === 'second')
  assert.equal(lastOfTheFirst?.what, 'lease', 'giving the lease back is the last thing that a leader writes')
  // As the API server has received them: how long the process took to end is not judged.
  const betweenMs = Date.parse(claim!.at) - Date.parse(lastOfTheFirst!.at)
  assert.ok(betweenMs < LEASE_MS, `it waited for the end of the lease: ${betweenMs} ms`)
})

test('started at once: one leads', async (t) => {
  const namespace = namespaceOf('at-once')
  const contenders = ['a', 'b', 'c'].map((identity) => new Contender(t, namespace, identity))
  await Promise.race(contenders.map((contender) => contender.says(/^elected/, 0)))
  await during(1_500)
  assert.equal(contenders.filter((contender) => contender.said.includes('elected')).length, 1)
  await Promise.all(contenders.map((contender) => contender.end('SIGTERM')))
  assertFenced(namespace)
})

test('kube-apiserver killed: the leader stops before its lease could be taken, and one leads afterwards', async (t) => {
  const namespace = namespaceOf('outage')
  const first = new Contender(t, namespace, 'first')
  await first.says(/^elected/, 0)
  const second = new Contender(t, namespace, 'second')
  await during(500)
  const deposed = first.says(/^deposed/)
  await plane.kill('kube-apiserver', 'SIGKILL')
  await deposed
  const elected = Promise.race([first.says(/^elected/), second.says(/^elected/)])
  await plane.restart('kube-apiserver')
  await elected
  await during(500)
  await Promise.all([first.end('SIGTERM'), second.end('SIGTERM')])
  assertFenced(namespace)
})
