/**
 * A real Kubernetes control plane for tests, on loopback or in a network namespace.
 *
 * ```ts
 * const plane = await startControlPlane()                 // etcd + kube-apiserver, ready in about 3 s
 * plane.kubectl(['apply', '-f', '-'], manifest)           // as cluster admin
 * const client = new KubeConfig(); client.loadFromFile(plane.kubeconfig)
 * await plane.kill('kube-apiserver', 'SIGKILL'); await plane.restart('kube-apiserver')
 * await plane.stop()                                      // nothing is left behind
 * ```
 *
 * Name such tests `*.controlplane.test.ts`. No root is needed. Its programs die with the test's process, whatever
 * ends that.
 */
import { execFile, execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Authority, type CertificateRequest, issue, newAuthority, newTokenKey } from './certificates.ts'
import { KUBERNETES_SERVICE, programArguments, type SetUp } from './controlplane-arguments.ts'
import { openWorkplace } from './leftovers.ts'
import { type Program, startProgram } from './program.ts'
import { requireProgram } from './programs.ts'

export type PlaneProgram = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler'

export interface ControlPlaneOptions {
  /** Run kube-controller-manager too: garbage collection, service accounts, endpoints, Deployments. Default false. */
  readonly controllerManager?: boolean
  readonly scheduler?: boolean
  /** Write an audit log of every request (`auditLogPath`). Default false. */
  readonly auditLog?: boolean
  /** More command line flags a program; a flag given twice takes the last value. */
  readonly flags?: Partial<Record<PlaneProgram, readonly string[]>>
  /** Where etcd listens, and by which URL the API server finds it: a proxy's, for example. Default: a Unix socket. */
  readonly etcd?: { readonly listen: string; readonly url: string }
  /** Run in a network namespace, serving on this address of it; default: loopback of this machine. */
  readonly network?: { readonly namespace: string; readonly address: string; readonly port: number }
}

export interface ControlPlane {
  /** `https://host:port`, as programs beside the API server reach it. */
  readonly url: string
  /** File, cluster admin. */
  readonly kubeconfig: string
  /** Signs every certificate here. */
  readonly authority: Authority
  /** Files of the authority and of the cluster admin (`system:masters`), PEM. */
  readonly files: { readonly ca: string; readonly certificate: string; readonly key: string }
  readonly directory: string
  /** Where `auditLog` was asked for: one JSON object a line. */
  readonly auditLogPath: string
  /** Runs kubectl as cluster admin and returns its standard output; throws with its standard error where it fails. */
  kubectl(args: readonly string[], input?: string): string
  /** As kubectl, without blocking this process meanwhile: for `wait` and other long commands. */
  startKubectl(args: readonly string[]): Promise<string>
  /** Writes a kubeconfig for another user and returns its path. */
  kubeconfigFor(name: string, user: CertificateRequest): string
  /** Answers when `GET /readyz` is 200; throws, with the API server's last log lines, after 30 s. */
  ready(): Promise<void>
  /** Sends a signal; where it ends the program, waits for the end. */
  kill(program: PlaneProgram, signal: NodeJS.Signals): Promise<void>
  /** Starts a program again with the arguments that it had (ending it where it still runs), and waits for `ready`. */
  restart(program: PlaneProgram): Promise<void>
  logPath(program: PlaneProgram): string
  /** Of the running program. */
  pid(program: PlaneProgram): number
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const READY_LIMIT_MS = 30_000

/** Starts it and waits until the API server is ready. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const workplace = openWorkplace('controlplane')
  const address = options.network?.address ?? '127.0.0.1'
  const setUp: SetUp = {
    workplace,
    options,
    address,
    port: options.network?.port ?? (await freePort()),
    authority: newAuthority('invar-test-ca'),
  }
  writeCredentials(setUp)
  const plane = new RunningControlPlane(setUp)
  try {
    await plane.start()
  } catch (error) {
    await plane.stop()
    throw error
  }
  return plane
}

class RunningControlPlane implements ControlPlane {
  readonly url: string
  readonly kubeconfig: string
  readonly authority: Authority
  readonly directory: string
  readonly auditLogPath: string
  readonly files: ControlPlane['files']
  readonly #setUp: SetUp
  readonly #arguments: Readonly<Record<PlaneProgram, readonly string[]>>
  readonly #programs = new Map<PlaneProgram, Program>()

  constructor(setUp: SetUp) {
    this.#setUp = setUp
    this.directory = setUp.workplace.directory
    this.url = `https://${setUp.address}:${setUp.port}`
    this.authority = setUp.authority
    const file = (name: string) => join(this.directory, name)
    this.files = { ca: file('ca.crt'), certificate: file('admin.crt'), key: file('admin.key') }
    this.auditLogPath = file('audit.log')
    this.kubeconfig = this.#writeKubeconfig('admin')
    this.#arguments = programArguments(setUp, (name, user) => this.kubeconfigFor(name, user))
  }

  async start(): Promise<void> {
    // The API server waits for etcd by itself; starting both at once saves a second.
    this.#startProgram('etcd')
    this.#startProgram('kube-apiserver')
    await this.ready()
    if (this.#setUp.options.controllerManager) this.#startProgram('kube-controller-manager')
    if (this.#setUp.options.scheduler) this.#startProgram('kube-scheduler')
  }

  kubectl(args: readonly string[], input?: string): string {
    const { program, rest, options } = this.#kubectlCommand(args)
    return execFileSync(program, rest, { ...options, input: input ?? '', stdio: 'pipe' })
  }

  startKubectl(args: readonly string[]): Promise<string> {
    const { program, rest, options } = this.#kubectlCommand(args)
    return new Promise((resolve, reject) => {
      execFile(program, rest, options, (error, stdout) => (error === null ? resolve(stdout) : reject(error)))
    })
  }

  #kubectlCommand(args: readonly string[]) {
    const inside = this.#setUp.options.network
    const command = [requireProgram('kubectl'), '--kubeconfig', this.kubeconfig, ...args]
    const [program, ...rest] =
      inside === undefined ? command : ['nsenter', `--net=${inside.namespace}`, '--', ...command]
    // kubectl keeps what it discovered in ~/.kube: not ours to fill.
    const env = { ...process.env, KUBECACHEDIR: join(this.directory, 'kubectl-cache') }
    return { program: program!, rest, options: { encoding: 'utf8', env, maxBuffer: 256 << 20 } as const }
  }

  kubeconfigFor(name: string, user: CertificateRequest): string {
    writeCertificate(this.directory, name, this.authority, user)
    return this.#writeKubeconfig(name)
  }

  async ready(): Promise<void> {
    const until = performance.now() + READY_LIMIT_MS
    const agent = new Agent({ keepAlive: true })
    try {
      while (!(await this.#answersReady(agent))) {
        const apiServer = this.#programs.get('kube-apiserver')!
        if (!apiServer.isRunning() || performance.now() > until) {
          throw new Error(`kube-apiserver is not ready; the end of ${apiServer.logPath}:\n${apiServer.lastLines()}`)
        }
        await after(25)
      }
    } finally {
      agent.destroy()
    }
  }

  async kill(name: PlaneProgram, signal: NodeJS.Signals): Promise<void> {
    const program = this.#programs.get(name)
    if (program === undefined) throw new Error(`${name} was not started`)
    program.signal(signal)
    if (signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT') await program.exited
  }

  pid(name: PlaneProgram): number {
    const program = this.#programs.get(name)
    if (program === undefined) throw new Error(`${name} was not started`)
    return program.pid
  }

  async restart(name: PlaneProgram): Promise<void> {
    await this.#programs.get(name)?.stop()
    this.#startProgram(name)
    await this.ready()
  }

  logPath(name: PlaneProgram): string {
    return join(this.directory, `${name}.log`)
  }

  async stop(): Promise<void> {
    // Nothing here is kept, so nothing needs to be written down in order.
    for (const program of this.#programs.values()) program.signal('SIGKILL')
    await Promise.all([...this.#programs.values()].map((program) => program.exited))
    this.#setUp.workplace.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #startProgram(name: PlaneProgram): void {
    const command = requireProgram(name)
    const namespace = this.#setUp.options.network?.namespace
    const args = this.#arguments[name]
    this.#programs.set(name, startProgram(this.#setUp.workplace, { name, command, args, namespace }))
  }

  async #answersReady(agent: Agent): Promise<boolean> {
    if (this.#setUp.options.network !== undefined) return this.#answersInNamespace()
    return (await statusOf(`${this.url}/readyz`, this.authority.certificatePem, agent)) === 200
  }

  #answersInNamespace(): boolean {
    try {
      return this.kubectl(['get', '--raw', '/readyz']) === 'ok'
    } catch {
      return false
    }
  }

  #writeKubeconfig(name: string): string {
    const path = join(this.directory, `${name}.kubeconfig`)
    const file = (suffix: string) => join(this.directory, `${name}.${suffix}`)
    const cluster = { server: this.url, 'certificate-authority': this.files.ca }
    const user = { 'client-certificate': file('crt'), 'client-key': file('key') }
    // JSON is YAML.
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'invar', cluster }],
      users: [{ name, user }],
      contexts: [{ name: 'invar', context: { cluster: 'invar', user: name } }],
      'current-context': 'invar',
    }
    writeFileSync(path, JSON.stringify(config, undefined, 2), { mode: 0o600 })
    return path
  }
}

function writeCredentials({ workplace: { directory }, authority, address }: SetUp): void {
  writeFileSync(join(directory, 'ca.crt'), authority.certificatePem)
  writeFileSync(join(directory, 'ca.key'), authority.privateKeyPem, { mode: 0o600 })
  const tokens = newTokenKey()
  writeFileSync(join(directory, 'tokens.key'), tokens.privateKeyPem, { mode: 0o600 })
  writeFileSync(join(directory, 'tokens.pub'), tokens.publicKeyPem)
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost']
  writeCertificate(directory, 'apiserver', authority, {
    commonName: 'kube-apiserver',
    dnsNames: names,
    ipv4Addresses: ['127.0.0.1', KUBERNETES_SERVICE, address],
  })
  const masters = ['system:masters']
  writeCertificate(directory, 'admin', authority, { commonName: 'admin', organizations: masters })
  writeCertificate(directory, 'kubelet-client', authority, { commonName: 'kube-apiserver', organizations: masters })
  if (directory.includes(' ')) throw new Error(`the temporary folder must have no blanks in its name: ${directory}`)
  const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] }
  writeFileSync(join(directory, 'audit-policy.json'), JSON.stringify(policy))
}

function writeCertificate(directory: string, name: string, authority: Authority, subject: CertificateRequest): void {
  const { certificatePem, privateKeyPem } = issue(authority, subject)
  writeFileSync(join(directory, `${name}.crt`), certificatePem)
  writeFileSync(join(directory, `${name}.key`), privateKeyPem, { mode: 0o600 })
}

/** The status of a GET without credentials (`/readyz` is open to everybody); undefined where nothing answers. */
function statusOf(url: string, ca: string, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve) => {
    const call = request(url, { ca, agent, timeout: 2_000 }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(undefined))
    call.end()
  })
}

/**
 * A TCP port that was free a moment ago. It lies below those that the kernel gives to calls (`ip_local_port_range`): one
 * of these could take it before it is listened on.
 */
export async function freePort(): Promise<number> {
  while (true) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await canListen(port)) return port
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function after(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}
