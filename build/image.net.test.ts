/** What of the image only shows when it runs: how its programs are started, and what they load when they are told to. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, suite, test } from 'node:test'
import { closeLans, createLan } from '../testkit/netns.ts'
import { requireRoot } from '../testkit/privilege.ts'
import { CONTROLLER_LAUNCH, SPEAKER_LAUNCH } from './bundle.ts'
import { buildTree } from './image.ts'

const GATEWAY = '192.0.2.254'
/** The image's wire thread with the gateway probe on; prints what it says of the uplink, or what is wrong. */
const PROGRAM = `
  const { Worker } = require('node:worker_threads')
  const wire = new Worker('/app/speaker/wire/thread.js')
  wire.on('message', (message) => {
    if (message.kind !== 'uplink' && message.kind !== 'fault') return
    process.stdout.write(JSON.stringify(message), () => process.exit())
  })
  wire.postMessage({ kind: 'exclude-interfaces', patterns: ['^lo$'] })
  wire.postMessage({
    kind: 'start', node: 'alpha', refreshIntervalMs: 0, probeNewAddresses: false,
    gatewayProbe: { targets: ['${GATEWAY}'], intervalMs: 100, missedLimit: 3 },
  })
`

let root = ''

suite('the image', { timeout: 300_000 }, () => {
  before(async () => {
    if (process.getuid?.() !== 0) return
    root = mkdtempSync(join(tmpdir(), 'invar-image-'))
    await buildTree(root)
  })
  after(() => {
    if (root !== '') rmSync(root, { recursive: true, force: true })
  })
  afterEach(closeLans)

  for (const [program, launch] of [
    ['controller', CONTROLLER_LAUNCH],
    ['speaker', SPEAKER_LAUNCH],
  ] as const) {
    test(`its ${program} starts with the flags and the environment of its launcher`, (t) => {
      if (!requireRoot(t)) return
      const { flags, environment } = startedAs(program)
      assert.deepEqual(flags, launch.nodeFlags)
      for (const [name, value] of Object.entries(launch.environment)) assert.equal(environment[name], value, name)
    })
  }

  test('what the container sets itself stays', (t) => {
    if (!requireRoot(t)) return
    assert.equal(startedAs('controller', { MALLOC_ARENA_MAX: '7' }).environment.MALLOC_ARENA_MAX, '7')
  })

  test('its speaker, told to probe gateways, loads raw-socket and is answered', async (t) => {
    if (!requireRoot(t)) return
    using lan = createLan([
      { name: 'alpha', addresses: ['192.0.2.1/24'] },
      { name: 'gateway', addresses: [`${GATEWAY}/24`] },
    ])
    const environment = { INVAR_NATIVE: '/app/native/invar.node', NODE_ENV: 'production' }
    const speaker = lan.host('alpha').spawn('chroot', [root, '/bin/node', '-e', PROGRAM], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said = JSON.parse(await text(speaker.stdout!))
    assert.deepEqual(said, { kind: 'uplink', interface: 'eth0', reachable: true, target: GATEWAY })
  })
})

/** Node tells before the program begins how it was started. */
const TELL = `data:text/javascript,console.log(JSON.stringify({flags:process.execArgv,environment:process.env}));process.exit()`

function startedAs(program: string, environment: Record<string, string> = {}) {
  const env = { PATH: process.env.PATH, ...environment, NODE_OPTIONS: `--import=${TELL}` }
  const output = execFileSync('chroot', [root, `/app/bin/${program}`], { env, encoding: 'utf8' })
  return JSON.parse(output) as { readonly flags: readonly string[]; readonly environment: Record<string, string> }
}
