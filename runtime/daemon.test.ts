/** The start of both daemons, as a person or a kubelet runs them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const STARTS: readonly [string, string, string[], { code: number; stdout?: RegExp; stderr?: RegExp }][] = [
  ['help of the controller', 'controller', ['--help'], { code: 0, stdout: /gives addresses[\s\S]*--lb-class/ }],
  ['help of the speaker', 'speaker', ['-h'], { code: 0, stdout: /answers for the addresses[\s\S]*--node-name/ }],
  ['an unknown flag', 'controller', ['--prot=1'], { code: 2, stderr: /^controller: Unknown option '--prot'; --help/ }],
  ['a speaker without a node', 'speaker', [], { code: 2, stderr: /^speaker: --node-name is required/ }],
  [
    'a kubeconfig that is not there',
    'controller',
    ['--kubeconfig=/nowhere', '--port=0', '--webhook-mode=disabled'],
    { code: 1, stdout: /"event":"starting".*"version":"\d.*\n.*"event":"startFailed".*\/nowhere/ },
  ],
]

for (const [about, program, args, expected] of STARTS) {
  test(about, () => {
    const environment = { PATH: process.env.PATH, HOME: '/nonexistent' }
    const run = spawnSync(process.execPath, [`${program}/main.ts`, ...args], { encoding: 'utf8', env: environment })
    assert.equal(run.status, expected.code, run.stdout + run.stderr)
    assert.match(run.stdout, expected.stdout ?? /^$/)
    assert.match(run.stderr.replace(/^.*DEP0040.*\n.*trace-deprecation.*\n/m, ''), expected.stderr ?? /^$/)
    assert.doesNotMatch(run.stdout + run.stderr, /\n {4}at /, 'no stack trace')
  })
}
