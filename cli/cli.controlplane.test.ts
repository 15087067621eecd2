/** The real program against a real API server, as a user runs it: what it prints, and how it ends. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { type ControlPlane, startControlPlane } from '../testkit/controlplane.ts'
import { require } from '../testkit/privilege.ts'
import { PseudoTerminal } from '../testkit/pseudo-terminal.ts'
import { l2, pool } from '../testkit/resources.ts'
import { judgedAnswer } from './judged-answer.ts'
import { programOf } from './program.ts'

const NAMESPACE = 'metallb-system'
const ROOT = join(import.meta.dirname, '..')
const COMMANDS = programOf('invarctl', () => undefined).commands.map((command) => command.name())

let plane: ControlPlane
/** What `pools` said before the CRDs were there. */
let beforeDefinitions: Ended

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(program: string, args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env: { ...process.env, KUBECONFIG: plane.kubeconfig, ...env }, timeout: 60_000 }
    const child = execFile(program, args, options, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err })
    })
    child.stdin!.end(input)
  })
}

function invarctl(args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return run(process.execPath, ['cli/main.ts', ...args], input, env)
}

/** The value that a command printed; it must have ended with this code, and said nothing else. */
async function json(args: readonly string[], code = 0, input = '') {
  const ended = await invarctl([...args, '-o', 'json'], input)
  assert.deepEqual([ended.code, ended.err], [code, ''])
  return judgedAnswer(args[0]!, ended.out)
}

/** One line on stderr, nothing on stdout, no stack trace, code 2. */
function assertCouldNotRun({ code, out, err }: Ended, message: RegExp): void {
  assert.equal(code, 2)
  assert.equal(out, '')
  assert.match(err, message)
  assert.equal(err.trimEnd().split('\n').length, 1, err)
}

function apply(...objects: readonly object[]): void {
  plane.kubectl(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'))
}

function service(name: string, annotations: Record<string, string> = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', annotations },
    spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }] },
  }
}

function give(name: string, ip: string): void {
  const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip }] } } })
  plane.kubectl(['patch', 'service', name, '--subresource=status', '--type=merge', '-p', patch])
}

function withoutTimes({
  metadata: { creationTimestamp: _, ...metadata },
  ...rest
}: ReturnType<typeof pool | typeof l2>) {
  return { ...rest, metadata }
}

const web = (...addresses: readonly string[]) => withoutTimes(pool('web', { addresses: [...addresses] }))

before(async () => {
  plane = await startControlPlane()
  plane.kubectl(['create', 'namespace', NAMESPACE])
  beforeDefinitions = await invarctl(['pools'])
  plane.kubectl(['apply', '--server-side', '-k', 'crds'])
  plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  apply(web('192.0.2.0/30'), withoutTimes(l2('all')))
  apply(...['node-a', 'node-b'].map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })))
  apply(service('a'), service('b'), service('asks', { 'metallb.io/loadBalancerIPs': '203.0.113.9' }))
  give('a', '192.0.2.0')
  give('b', '192.0.2.1')
  apply({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'a-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'a' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'node-a', conditions: { ready: true } }],
    ports: [{ port: 80 }],
  })
})

after(() => plane?.stop())

describe('every command', () => {
  test('is listed, with the exit codes', async () => {
    const { code, out } = await invarctl(['--help'])
    assert.equal(code, 0)
    for (const command of COMMANDS) assert.match(out, new RegExp(`^  ${command} `, 'm'))
    assert.match(out, /Exit codes: 0 = .* 1 = .*\n2 = could not run/)
  })

  const MISUSED: readonly (readonly string[])[] = [
    ['nonsense'],
    ['pools', '--nonsense'],
    ['pools', '-o', 'xml'],
    ['lint'],
    ['explain'],
    ['completion', 'tcsh'],
    ['plan'],
    ['probe'],
    ['probe', 'nonsense', '--local'],
    ['probe', '192.0.2.0', '--wait', 'long'],
    ['drain', 'node-a'],
    ['rotate-key', '--wait', '-1'],
  ]
  test('ends with 2 where it is misused', async () => {
    for (const args of MISUSED) {
      const { code, out, err } = await invarctl(args)
      assert.deepEqual([code, out], [2, ''], args.join(' '))
      assert.ok(!/\n {4}at /.test(err) && err !== '', err)
    }
  })
})

describe('pools', () => {
  test('as a table', async () => {
    const { code, out, err } = await invarctl(['pools'])
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^NAME +ADDRESSES +AUTO +IPV4 +IPV6 +SERVICES +NOTE\nweb +192\.0\.2\.0\/30 +true +2\/4 +- +2\n$/)
  })

  test('as JSON', async () => {
    assert.deepEqual(await json(['pools']), {
      pools: [
        {
          name: 'web',
          addresses: ['192.0.2.0/30'],
          autoAssign: true,
          avoidBuggyIPs: false,
          ipv4: { inUse: 2, total: 4 },
          ipv6: { inUse: 0, total: 0 },
          services: 2,
          isInForce: true,
          quarantined: [],
          notes: [],
        },
      ],
    })
  })

  test('as YAML', async () => {
    assert.match((await invarctl(['pools', '-o', 'yaml'])).out, /^pools:\n {2}- name: web\n/)
  })
})

describe('explain', () => {
  test('an address, whatever way the Service is named', async () => {
    for (const name of ['svc/a', 'service/a', 'a', 'default/a', 'svc/default/a']) {
      const { code, out, err } = await invarctl(['explain', name])
      assert.deepEqual([code, err], [0, ''], name)
      assert.match(
        out,
        /^default\/a has 192\.0\.2\.0 from pool "web"; node node-\w is to answer for it, but no node reports/,
      )
    }
  })

  test('no address', async () => {
    const value = await json(['explain', 'svc/asks', '-n', 'default'])
    assert.equal(value.outcome, 'waiting')
    assert.match(value.summary, /^No address for Service default\/asks: .*no pool contains 203\.0\.113\.9\.$/)
    assert.deepEqual(value.pools, [{ pool: 'web', standing: 'not-asked', sentence: 'does not contain 203.0.113.9' }])
    assert.deepEqual(value.layer2.because, 'noIPAllocated')
  })

  test('JSON of an address', async () => {
    const { layer2, shows, asksFor } = await json(['explain', 'svc/a'])
    assert.deepEqual(layer2.candidates.toSorted(), ['node-a', 'node-b'])
    assert.deepEqual(shows, { addresses: ['192.0.2.0'], announcedBy: [] })
    assert.deepEqual(asksFor, { families: ['IPv4'] })
  })

  test('a Service that is not there, or elsewhere', async () => {
    assertCouldNotRun(
      await invarctl(['explain', 'svc/nobody']),
      /there is no Service nobody in namespace default: kubectl get/,
    )
    const elsewhere = await invarctl(['explain', 'svc/a', '-n', 'kube-system'])
    assertCouldNotRun(elsewhere, /there is no Service a in namespace kube-system: there is one with -n default$/m)
  })
})

describe('plan', () => {
  const versions = () =>
    plane.kubectl(['get', 'services,ipaddresspools', '-A', '-o', 'jsonpath={.items[*].metadata.resourceVersion}'])

  test('nobody loses anything: 0', async () => {
    const value = await json(['plan', '-f', '-'], 0, JSON.stringify(web('192.0.2.0/29')))
    assert.deepEqual(value.counts, { loses: 0, moves: 0, gains: 0, waits: 1, keeps: 2 })
    assert.deepEqual(value.problems, { appear: [], vanish: [] })
  })

  test('somebody loses: 1, and nothing is changed', async () => {
    const before = versions()
    const { code, out } = await invarctl(['plan', '-f', '-'], JSON.stringify(web('192.0.2.0/32')))
    assert.equal(code, 1)
    assert.match(
      out,
      /^default\/b +192\.0\.2\.1 +- +loses +192\.0\.2\.1 of default\/b is taken back: no pool contains 192\.0\.2\.1$/m,
    )
    assert.match(out, /^1 Service loses an address, 1 Service waits, 1 Service keeps its address\.$/m)
    assert.equal(versions(), before)
  })

  test('what it says is what kubectl apply then has in store', async () => {
    const value = await json(['plan', '-f', '-', '--delete', 'svc/b'], 1, JSON.stringify(service('new')))
    const effects = value.services.map((one: { service: string; effect: string; after: string[] }) => [
      one.service,
      one.effect,
      ...one.after,
    ])
    assert.deepEqual(effects, [
      ['default/b', 'loses'],
      ['default/new', 'gains', '192.0.2.1'],
      ['default/asks', 'waits'],
      ['default/a', 'keeps', '192.0.2.0'],
    ])
  })

  test('a deletion of what is not there', async () => {
    assertCouldNotRun(await invarctl(['plan', '--delete', 'ippool/web']), /is not KIND\/NAME: KIND may be/)
    assertCouldNotRun(
      await invarctl(['plan', '--delete', 'ipaddresspool/x']),
      /there is no IPAddressPool x in metallb-system/,
    )
  })
})

describe('owners', () => {
  test('a Service that nobody reports, by address and by name', async () => {
    for (const target of ['192.0.2.0', 'svc/a']) {
      const { owners } = await json(['owners', target])
      assert.deepEqual(
        owners.map(({ service, addresses, answeredBy }: Record<string, unknown>) => [service, addresses, answeredBy]),
        [['default/a', ['192.0.2.0'], []]],
      )
      assert.match(owners[0].because, /^nobody reports; node-\w is to answer$/)
    }
  })

  test('who reports, since when', async () => {
    const labels = { 'metallb.io/service-name': 'a', 'metallb.io/service-namespace': 'default' }
    const metadata = { name: 'l2-a', namespace: NAMESPACE, labels }
    apply({ apiVersion: 'metallb.io/v1beta1', kind: 'ServiceL2Status', metadata })
    const status = { node: 'node-a', serviceName: 'a', serviceNamespace: 'default', interfaces: [{ name: 'eth0' }] }
    const patch = JSON.stringify({ status })
    plane.kubectl([
      '-n',
      NAMESPACE,
      'patch',
      'servicel2status',
      'l2-a',
      '--subresource=status',
      '--type=merge',
      '-p',
      patch,
    ])
    const { code, out } = await invarctl(['owners'])
    assert.equal(code, 0)
    assert.match(out, /^192\.0\.2\.0 +default\/a +node-a +eth0 +20\d\d-\S+Z +(keeps it|first in the order)/m)
  })

  test('an address that nobody has, a Service without one', async () => {
    assertCouldNotRun(await invarctl(['owners', '203.0.113.1']), /no Service has the address 203\.0\.113\.1/)
    assertCouldNotRun(
      await invarctl(['owners', 'svc/asks']),
      /no Service default\/asks with an address: invarctl explain/,
    )
  })
})

describe('drain', () => {
  test('moves what the node answers for: 0', async () => {
    const plan = await json(['drain', 'node-a', '--simulate'])
    assert.deepEqual(plan.services, [
      {
        service: 'default/a',
        addresses: ['192.0.2.0'],
        to: 'node-b',
        because: 'all its endpoints are on node-a: it is served when they run elsewhere',
      },
    ])
  })

  test('a node that is not there', async () => {
    assertCouldNotRun(await invarctl(['drain', 'node-z', '--simulate']), /there is no node node-z: kubectl get nodes/)
  })
})

describe('probe', () => {
  test('without a speaker', async () => {
    assertCouldNotRun(await invarctl(['probe', '192.0.2.0']), /no speaker runs on a node that does not own the address/)
    assertCouldNotRun(await invarctl(['probe', '192.0.2.0', '--node', 'node-a']), /no speaker runs on node node-a/)
    const local = await invarctl(['probe', '192.0.2.0', '--local', '--socket', '/nowhere'])
    assertCouldNotRun(local, /socket \/nowhere cannot be asked \(connect ENOENT/)
  })
})

describe('peers and routes', () => {
  test('without a speaker', async () => {
    for (const command of ['peers', 'routes']) {
      assertCouldNotRun(await invarctl([command]), /no speaker runs in namespace metallb-system: .*--install-namespace/)
      assertCouldNotRun(await invarctl([command, '--node', 'node-a']), /no speaker runs on node node-a/)
      const local = await invarctl([command, '--local', '--socket', '/nowhere'])
      assertCouldNotRun(local, /socket \/nowhere cannot be asked \(connect ENOENT/)
    }
  })
})

describe('top', () => {
  test('a line a refresh, and what cannot be shown', async () => {
    const { code, out, err } = await invarctl(['top', '--interval', '0.2', '--count', '3', '-o', 'json'])
    assert.equal(code, 0, err)
    const frames = out
      .trimEnd()
      .split('\n')
      .map((line) => judgedAnswer('top', line))
    assert.equal(frames.length, 3)
    assert.deepEqual(frames.at(-1).speakers, [])
    assert.ok(frames.at(-1).notes.includes(`no speaker runs in namespace ${NAMESPACE}`), out)
  })

  for (const [name, key] of [
    ['q', 'q'],
    ['Escape', '\x1b'],
    ['Ctrl-C', '\x03'],
  ] as const) {
    test(`on a terminal draws a screen that fits, and leaves it as it was found at ${name}`, async (t) => {
      if (!require(t, PseudoTerminal.isPossible(), 'install bsdutils, which has script')) return
      const command = `stty -a | head -1; "${process.execPath}" cli/main.ts top --interval 0.2; code=$?; stty -a; exit $code`
      const env = { ...process.env, KUBECONFIG: plane.kubeconfig, TERM: 'xterm', NO_COLOR: '' }
      const terminal = new PseudoTerminal({ command, rows: 12, columns: 60, cwd: ROOT, env })
      await terminal.sees(/no speaker runs in namespace/)
      terminal.type(key)
      assert.equal(await terminal.ended(), 0)
      const [before = '', screen = '', after = ''] = terminal.shown.split('\x1b[?1049')
      assert.match(before, /rows 12; columns 60/)
      const frames = screen.split('\x1b[H').slice(1).map(stripVTControlCharacters)
      assert.ok(frames.length > 0)
      for (const frame of frames) {
        const lines = frame.split(/\r*\n/)
        assert.ok(lines.length <= 12 && lines.every((line) => line.length <= 60), JSON.stringify(frames))
      }
      // The cursor is hidden meanwhile, and keys are read one by one.
      assert.ok(screen.startsWith('h\x1b[?25l') && screen.endsWith('\x1b[?25h'))
      assert.match(after, / icanon .* echo /s)
    })
  }

  test('is refused what is no interval', async () => {
    assertCouldNotRun(await invarctl(['top', '--interval', 'soon']), /--interval soon is no time between refreshes/)
  })
})

describe('rotate-key', () => {
  const keys = () =>
    JSON.parse(plane.kubectl(['-n', NAMESPACE, 'get', 'secret', 'memberlist', '-o', 'json'])).data as Record<
      string,
      string
    >

  test('another key stands in the Secret, alone', async () => {
    const secretkey = Buffer.from('AAECAwQFBgcICQoLDA0ODw').toString('base64')
    apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'memberlist', namespace: NAMESPACE },
      data: { secretkey },
    })
    const { code, out, err } = await invarctl(['rotate-key', '--wait', '0'])
    assert.deepEqual([code, err.trim().split('\n').length], [0, 3])
    assert.match(out, /^The key in Secret metallb-system\/memberlist is another one\.$/m)
    assert.deepEqual(Object.keys(keys()), ['secretkey'])
    assert.notEqual(keys().secretkey, secretkey)
    assert.match(Buffer.from(keys().secretkey!, 'base64').toString(), /^[A-Za-z0-9+/]{22}$/)
  })

  test('what was stopped half-way is brought to its end', async () => {
    const { secretkey = '' } = keys()
    const data = { 'secretkey.previous': secretkey }
    plane.kubectl(['-n', NAMESPACE, 'patch', 'secret', 'memberlist', '-p', JSON.stringify({ data })])
    assert.equal((await invarctl(['rotate-key', '--wait', '0'])).code, 0)
    assert.deepEqual(keys(), { secretkey })
  })

  test('a Secret that is not there', async () => {
    assertCouldNotRun(await invarctl(['rotate-key', '--secret', 'nobody']), /nobody.*not found/)
  })
})

describe('lint', () => {
  test('0, 1 and 2', async () => {
    assert.deepEqual(await json(['lint', '-f', '-'], 0, JSON.stringify(web('192.0.2.0/30'))), {
      problems: [],
      checked: 1,
      passedOver: 0,
    })
    const { problems } = await json(['lint', '-f', '-'], 1, JSON.stringify(web('192.0.2.0')))
    assert.deepEqual([problems[0].file, problems[0].line, problems[0].rule], ['-', 1, 'address-without-mask'])
    assertCouldNotRun(
      await invarctl(['lint', '-f', 'absent.yaml']),
      /^invarctl: there is no file or folder absent\.yaml: /,
    )
    assertCouldNotRun(await invarctl(['lint', '-f', '-'], 'a: [\n'), /-:\d+ is not YAML/)
  })

  test('needs no cluster', async () => {
    const { code } = await invarctl(['lint', '-f', 'deploy', '-f', 'crds'], '', { KUBECONFIG: '/nowhere' })
    assert.equal(code, 0)
  })
})

describe('where the cluster is not to be had', () => {
  const CASES: readonly [what: string, args: () => readonly string[], message: RegExp][] = [
    [
      'no such context',
      () => ['pools', '--context', 'prod'],
      /no context "prod" in the kubeconfig; there are: invar: /,
    ],
    [
      'no such kubeconfig',
      () => ['pools', '--kubeconfig', '/nowhere'],
      /there is no kubeconfig \/nowhere: check --kubeconfig/,
    ],
    [
      'nobody listens',
      () => ['pools', '--kubeconfig', unreachable()],
      /127\.0\.0\.1:1 gives no answer.*ECONNREFUSED.*: is the cluster up/,
    ],
    [
      'no rights',
      () => ['pools', '--kubeconfig', stranger()],
      /not allowed to list \w+ .*"stranger".*: a role with the verb "list" on \w+ is missing/,
    ],
  ]
  for (const [what, args, message] of CASES) {
    test(what, async () => assertCouldNotRun(await invarctl(args()), message))
  }

  test('no custom resource definitions', () => {
    assertCouldNotRun(
      beforeDefinitions,
      /does not know the resources of metallb\.io: install the custom resource definitions/,
    )
  })

  test('no kubeconfig at all', async () => {
    assertCouldNotRun(
      await invarctl(['pools'], '', { KUBECONFIG: '', HOME: plane.directory }),
      /there is no kubeconfig: name one/,
    )
  })

  test('INVAR_DEBUG=1 shows where it comes from', async () => {
    const { code, err } = await invarctl(['pools', '--context', 'prod'], '', { INVAR_DEBUG: '1' })
    assert.equal(code, 2)
    assert.match(err, /\n {4}at /)
  })

  function unreachable(): string {
    const path = join(plane.directory, 'unreachable.kubeconfig')
    const cluster = { server: 'https://127.0.0.1:1' }
    const contexts = [{ name: 'x', context: { cluster: 'x', user: 'x' } }]
    const users = [{ name: 'x', user: { token: 'x' } }]
    const config = { kind: 'Config', clusters: [{ name: 'x', cluster }], users, contexts, 'current-context': 'x' }
    writeFileSync(path, JSON.stringify(config))
    return path
  }

  function stranger(): string {
    return plane.kubeconfigFor('stranger', { commonName: 'stranger' })
  }
})

describe('where Invar is installed', () => {
  test('is found by the report of the controller', async () => {
    plane.kubectl(['create', 'namespace', 'lb'])
    apply({ ...web('198.51.100.0/30'), metadata: { name: 'theirs', namespace: 'lb' } })
    const labels = { 'metallb.io/component-type': 'controller' }
    const report = {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'ConfigurationState',
      metadata: { name: 'controller', namespace: 'lb', labels },
    }
    apply(report)
    const namesOf = async (args: readonly string[]) =>
      (await json(args)).pools.map(({ name }: { name: string }) => name)
    assert.deepEqual(await namesOf(['pools']), ['theirs'])
    assert.deepEqual(await namesOf(['pools', '--install-namespace', NAMESPACE]), ['web'])
    plane.kubectl(['delete', 'namespace', 'lb', '--wait=false'])
    plane.kubectl(['delete', 'configurationstate', 'controller', '-n', 'lb'])
  })
})

describe('as it is installed', () => {
  test('npm exec -- invarctl', async () => {
    const { code, out } = await run('npm', ['exec', '--', 'invarctl', 'version'])
    assert.equal(code, 0)
    assert.match(out, /^invarctl \d+\.\d+\.\d+ \(Node v\d+/)
  })

  test('kubectl invar', async () => {
    const link = join(plane.directory, 'kubectl-invar')
    if (!existsSync(link)) symlinkSync(join(ROOT, 'cli', 'main.ts'), link)
    const { code, out } = await run(link, ['--help'])
    assert.equal(code, 0)
    assert.match(out, /^Usage: kubectl invar /)
    assert.match((await run(link, ['explain', 'svc/a'])).out, /^default\/a has/)
  })

  test('completion is a script that bash takes, and completes', async () => {
    const { out } = await invarctl(['completion', 'bash'])
    const script = `${out}\nCOMP_WORDS=(invarctl pl); COMP_CWORD=1; _invarctl; echo "\${COMPREPLY[*]}"`
    assert.equal((await run('bash', ['-c', script])).out.trim(), 'plan')
    for (const shell of ['zsh', 'fish']) assert.notEqual((await invarctl(['completion', shell])).out, '')
  })

  test('half of the output is enough for whoever reads it', async () => {
    const script = `${process.execPath} cli/main.ts pools -o json | head -1; echo "\${PIPESTATUS[0]}"`
    const { out, err } = await run('bash', ['-c', script])
    assert.deepEqual([out, err], ['{\n0\n', ''])
  })
})
