/** What of the image only shows when it runs: the files that a program loads when it is told to, not at its start. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, test } from 'node:test'
import { closeLans, createLan } from '../testkit/netns.ts'
import { requireRoot } from '../testkit/privilege.ts'
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

afterEach(closeLans)

test('the speaker of the image, told to probe gateways, loads raw-socket and is answered', {
  timeout: 300_000,
}, async (t) => {
  if (!requireRoot(t)) return
  const root = mkdtempSync(join(tmpdir(), 'invar-image-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  await buildTree(root)
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
