import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { createLan, sweepNamespaces } from './netns.ts'
import { requireRoot } from './privilege.ts'

const HOSTS = [
  { name: 'alpha', addresses: ['192.0.2.1/24', '2001:db8::1/64'] },
  { name: 'bravo', addresses: ['192.0.2.2/24', '2001:db8::2/64'] },
]

test('hosts on a LAN have carrier, their MAC addresses and a link-local address at once; the cable can be pulled', (t) => {
  if (!requireRoot(t)) return
  using lan = createLan(HOSTS)
  const alpha = lan.host('alpha')
  alpha.run('sh', '-c', 'ip -6 address show dev eth0 | grep -q "inet6 fe80"')
  assert.match(alpha.run('ip', 'link', 'show', 'eth0'), new RegExp(alpha.mac))
  assert.equal(alpha.mac, '02:00:00:00:01:01')
  assert.match(alpha.run('ip', 'link', 'show', 'eth0'), /LOWER_UP/)
  alpha.unplug()
  assert.match(alpha.run('ip', 'link', 'show', 'eth0'), /NO-CARRIER/)
  alpha.plug()
  assert.match(alpha.run('ip', 'link', 'show', 'eth0'), /LOWER_UP/)
})

test('closing a LAN ends what runs in it and leaves no namespace', async (t) => {
  if (!requireRoot(t)) return
  const lan = createLan(HOSTS)
  const child = lan.host('alpha').spawn('sleep', ['1000'])
  const ended = once(child, 'exit')
  await once(child, 'spawn')
  lan.close()
  assert.deepEqual(await ended, [null, 'SIGKILL'])
  assert.deepEqual(ours(process.pid), [])
})

test('what a killed run left behind, the next one sweeps', (t) => {
  if (!requireRoot(t)) return
  const script = `import { createLan } from './testkit/netns.ts'
    createLan([{ name: 'alpha' }]); process.kill(process.pid, 'SIGKILL')`
  const crashed = spawnSync(process.execPath, ['--input-type=module', '-e', script])
  assert.equal(crashed.signal, 'SIGKILL')
  assert.equal(ours(crashed.pid).length, 2)
  sweepNamespaces()
  assert.deepEqual(ours(crashed.pid), [])
})

test('Ctrl-C leaves nothing', (t) => {
  if (!requireRoot(t)) return
  const script = `import { createLan } from './testkit/netns.ts'
    createLan([{ name: 'alpha' }]); process.kill(process.pid, 'SIGINT'); setInterval(() => undefined, 1000)`
  const interrupted = spawnSync(process.execPath, ['--input-type=module', '-e', script])
  assert.equal(interrupted.signal, 'SIGINT')
  assert.deepEqual(ours(interrupted.pid), [])
})

function ours(pid: number): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith(`iv-${pid}-`)) : []
}
