/**
 * One life of an installation, with the rights that are shipped; then what it has left behind is judged: no call was
 * refused, no right went unused, every metric that there should be is there, and what was to be kept secret was.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, suite, type TestContext, test } from 'node:test'
import { plainManifests } from '../../build/manifests.ts'
import { type Family, familiesOf, isOfTheRuntime } from '../../build/metrics/catalogue.ts'
import type { KubernetesObject } from '../../operator/index.ts'
import { eventually } from '../../testkit/eventually.ts'
import { require, requireRoot } from '../../testkit/privilege.ts'
import { missingRouterPrograms } from '../../testkit/routers/index.ts'
import { ACTS, leads, PLANTED } from './acts.ts'
import {
  addressOf,
  type Component,
  Installation,
  NAMESPACE,
  NODES,
  objectsIn,
  PATIENCE_MS,
  SHIPPED,
} from './installation.ts'
import { PROMISED } from './promised-metrics.ts'
import { callsIn, type Right, refused, rightsIn, sentenceOf, unused } from './rights.ts'
import { familiesOn } from './scrape.ts'

/** Pages of the local socket, as invarctl asks for them. */
const LOCAL_PAGES = ['/peers', '/routes', '/probe?address=192.0.2.100&wait=100']

function isPossible(t: TestContext): boolean {
  if (!requireRoot(t)) return false
  const missing = missingRouterPrograms()
  return require(t, missing.length === 0, `${missing.join(', ')}: run \`node build/packages.ts\``)
}

suite('a life with the rights that are shipped', { timeout: 600_000 }, () => {
  let life: Installation
  /** By program. */
  let pages: Readonly<Record<Component, string>>
  const answers: string[] = []
  let token: string

  before(async () => {
    if (process.getuid?.() !== 0 || missingRouterPrograms().length > 0) return
    life = await Installation.prepare()
  })
  after(() => life?.stop())

  for (const { name, play } of ACTS) {
    test(name, async (t) => {
      if (!isPossible(t)) return
      await play(life).catch((error: unknown) => {
        throw new Error(life.story(), { cause: error })
      })
    })
  }

  test('Prometheus reads the metrics, and invarctl asks the speakers', async (t) => {
    if (!isPossible(t)) return
    token = life.addScraper()
    // The API server knows of the right a moment later than we do, and a refusal is remembered for ten seconds.
    const read = (host: 'two' | 'alpha' | 'beta') => eventually(() => life.scrape(host, token), PATIENCE_MS, 1_000)
    pages = { controller: await read('two'), speaker: `${await read('alpha')}\n${await read('beta')}` }
    for (const node of NODES) {
      for (const path of LOCAL_PAGES) {
        answers.push(life.fetch(node, '--unix-socket', life.socketOf(node), `http://speaker${path}`))
      }
    }
  })

  test('all end in good order', async (t) => {
    if (!isPossible(t)) return
    life.plane.kubectl(['delete', 'service', 'web', 'fresh'])
    await Promise.all([...NODES, 'two' as const].map((host) => life.end(host)))
  })

  const calls = () => callsIn(readFileSync(life.plane.auditLogPath, 'utf8'), NAMESPACE)

  test('no call was refused', (t) => {
    if (!isPossible(t)) return
    assert.deepEqual(refused(calls()).map(sentenceOf), [])
  })

  test('no right went unused', (t) => {
    if (!isPossible(t)) return
    const rights = rightsIn(SHIPPED)
    assert.ok(rights.length > 60, `only ${rights.length} rights`)
    t.diagnostic(`${rights.length} rights, ${calls().length} calls`)
    assert.deepEqual(unused(rights, calls()).map(sentenceOf), [])
  })

  test('the pages show the families of docs/metrics.md with their types and labels, and none beside them', (t) => {
    if (!isPossible(t)) return
    for (const program of ['controller', 'speaker'] as const) {
      const ours = familiesOn(pages[program]).filter(({ name }) => !isOfTheRuntime(name))
      // Those of the web page are there with it; it is off.
      const always = familiesOf(program).filter(({ name }) => !name.startsWith('invar_page_'))
      const known = new Map<string, Family>(always.map((family) => [family.name, family]))
      assert.deepEqual(ours.map(({ name }) => name).sort(), [...known.keys()].sort())
      for (const { name, type, labels } of ours) {
        assert.equal(type, known.get(name)!.type, name)
        for (const each of labels) assert.deepEqual(each.toSorted(), known.get(name)!.labels.toSorted(), name)
      }
    }
  })

  for (const { name, type, labels, on } of PROMISED) {
    test(`${name} is there, as MetalLB's users know it`, (t) => {
      if (!isPossible(t)) return
      for (const program of on) {
        const family = familiesOn(pages[program]).find((one) => one.name === name)
        assert.equal(family?.type, type)
        assert.ok(family!.labels.length > 0, `there are no series of ${name} on the page of the ${program}`)
        for (const each of family!.labels) assert.deepEqual(each.toSorted(), labels.toSorted())
      }
    })
  }

  test('nothing secret is in logs at the level all, in events, metrics, answers of the local socket and statuses', (t) => {
    if (!isPossible(t)) return
    const printed = (kind: string) => life.plane.kubectl(['get', kind, '-A', '-o', 'json'])
    const key = life.plane.kubectl(['get', 'secret', 'memberlist', '-n', NAMESPACE, '-o', 'jsonpath={.data.secretkey}'])
    const kinds = ['events', 'configurationstates', 'servicel2statuses', 'servicebgpstatuses', 'services']
    const places: Readonly<Record<string, string>> = {
      ...{ logs: life.logs(), metrics: Object.values(pages).join(), 'the local socket': answers.join() },
      ...Object.fromEntries(kinds.map((kind) => [kind, printed(kind)])),
    }
    assert.match(places.logs!, /"event":"sessionUp"/)
    assert.ok(answers.some((answer) => answer.includes('"tor"')))
    const secrets = { ...PLANTED, 'the key of membership': Buffer.from(key, 'base64').toString() }
    for (const [where, text] of Object.entries(places)) {
      for (const [what, secret] of Object.entries(secrets)) {
        assert.ok(secret.length > 15, what)
        for (const form of [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')]) {
          assert.ok(!text.includes(form), `${what} is in ${where}`)
        }
      }
    }
  })

  test('a controller that is a webhook alone has just the rights that it uses', async (t) => {
    if (!isPossible(t)) return
    const rights = grant('controller.webhookMode=onlywebhook')
    const certificate = ['secret', 'metallb-webhook-cert', '-n', NAMESPACE]
    life.plane.kubectl(['patch', ...certificate, '--type=json', '-p', '[{"op":"remove","path":"/data"}]'])
    await usesJust(rights, '--webhook-mode=onlywebhook', async () => {
      await leads(life, 'invar-webhook', 'two')
      // It issues anew when it is told that somebody has deleted what it had.
      life.plane.kubectl(['delete', ...certificate])
      life.scrape('two', token)
    })
  })

  test('a controller without a webhook has none of its rights, and misses none', async (t) => {
    if (!isPossible(t)) return
    const all = new Set(rightsIn(SHIPPED).map(sentenceOf))
    const rights = grant('controller.webhookMode=disabled')
    assert.deepEqual(
      rights.map(sentenceOf).filter((right) => !all.has(right)),
      [],
    )
    assert.ok(!rights.some(({ resource }) => resource === 'validatingwebhookconfigurations'))
    const before = calls().length
    await life.startController('two', '--webhook-mode=disabled')
    await leads(life, 'invar-controller', 'two')
    await life.end('two')
    assert.deepEqual(refused(calls().slice(before)).map(sentenceOf), [])
  })

  test('the web page adds to the rights of the controller just those that it uses', async (t) => {
    if (!isPossible(t)) return
    const rights = add('controller.page.enabled=true')
    await usesJust(rights, '--page-port=7473', async () => {
      const reader = life.plane.kubectl(['create', 'token', 'controller-page', '-n', NAMESPACE]).trim()
      const ask = ['-H', `Authorization: Bearer ${reader}`, `https://${addressOf('two')}:7473/page`]
      assert.match(await eventually(() => life.fetch('stranger', ...ask), PATIENCE_MS, 500), /<title>Invar/)
    })
  })

  test('what lets go of the Services before the chart is removed has just the rights that it uses', async (t) => {
    if (!isPossible(t)) return
    const rights = add('controller.cleanupFinalizer=true')
    const finalizers = ['service.kubernetes.io/load-balancer-cleanup']
    life.plane.kubectl(['create', 'service', 'loadbalancer', 'held', '--tcp=80'])
    const held = { metadata: { finalizers, annotations: { 'metallb.io/ip-allocated-from-pool': 'web' } } }
    life.plane.kubectl(['patch', 'service', 'held', '--type=merge', '-p', JSON.stringify(held)])
    const before = calls().length
    const args = ['release-services', `--install-namespace=${NAMESPACE}`, '--deployment=controller']
    assert.match(life.invarctl('invar-release-services', ...args), /1 Service was let go/)
    const since = calls().slice(before)
    assert.deepEqual(
      [refused(since), unused(rights, since)].map((each) => each.map(sentenceOf)),
      [[], []],
    )
  })

  /** A controller that runs with this flag uses each of these rights sooner or later, and is refused nothing. */
  async function usesJust(rights: readonly Right[], flag: string, play: () => Promise<void>): Promise<void> {
    const before = calls().length
    const since = () => calls().slice(before)
    await life.startController('two', flag)
    await play()
    await eventually(() => assert.deepEqual(unused(rights, since()).map(sentenceOf), []), PATIENCE_MS, 500)
    await life.end('two')
    assert.deepEqual(refused(since()).map(sentenceOf), [])
  }

  /** Applies accounts and roles as the chart renders them with this value. @returns rights that nobody has without it */
  function add(value: string) {
    const rendered = objectsIn(plainManifests(value))
    life.apply(...rendered.filter(({ kind }) => kind === 'ServiceAccount' || /Role/.test(kind!)))
    const nameOf = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.name}`
    const shipped = new Set(SHIPPED.map(nameOf))
    const more = rendered.filter((object) => !shipped.has(nameOf(object)))
    const rights = rightsIn(more)
    assert.ok(rights.length > 0)
    // Where two roles allow the same, the audit log names either.
    const all = new Set(rightsIn(SHIPPED).map(sentenceOf))
    return rights.filter((right) => !all.has(sentenceOf(right)))
  }

  /** Puts the roles of the controller in the place of those before, as the chart renders them with this value. */
  function grant(value: string) {
    const rendered = objectsIn(plainManifests(value))
    const ours = rendered.filter(({ metadata }) => metadata.labels?.component === 'controller')
    life.apply(...ours.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role'))
    return rightsIn(ours)
  }
})
