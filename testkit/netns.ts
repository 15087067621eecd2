/**
 * Network namespaces for tests: a LAN is a bridge in a namespace of its own, and every host is a namespace with one
 * veth on it. Names are `iv-<pid>-<lan>-<host>`, so /run/netns is itself the record of what must be cleaned up: what a
 * crashed run left behind is removed by the next one, which sees that the process of that number is gone.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

const NAMESPACE_FOLDER = '/run/netns'
const PREFIX = 'iv-'

/** A network namespace; commands run in it with the files and processes of the machine. */
export interface Namespace {
  readonly name: string
  /** File to hand to `nsenter --net=`. */
  readonly path: string
  /** Runs a command to its end and returns its standard output; throws with its standard error if it fails. */
  run(command: string, ...args: string[]): string
  /** Starts a command; its pid is the command's own. It is killed with the LAN at the latest. */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess
}

/** A machine on the LAN; its interface is `eth0`. */
export interface Host extends Namespace {
  readonly mac: string
  /** Pulls the cable (the host sees no carrier) and plugs it in again. */
  unplug(): void
  plug(): void
}

export interface HostOptions {
  readonly name: string
  /** Addresses with prefix length, `10.0.0.1/24`. */
  readonly addresses?: readonly string[]
  /** Default `02:00:00:00:<lan>:<position>`. */
  readonly mac?: string
}

export interface Lan {
  /** The namespace with the bridge `lan`; each host's port there is called as the host. */
  readonly bridge: Namespace
  host(name: string): Host
  /** Adds a host while the LAN runs. */
  add(options: HostOptions): Host
  /** Kills what runs in the namespaces and deletes them. */
  close(): void
  [Symbol.dispose](): void
}

const open = new Set<Lan>()
let created = 0

/**
 * Makes a LAN; needs root. Host names are at most 15 characters (they name bridge ports). IPv6 addresses, the link-local
 * ones included, are usable at once (no duplicate address detection) and the bridge floods multicast.
 */
export function createLan(hosts: readonly HostOptions[]): Lan {
  if (created === 0) armCleanup()
  created += 1
  const number = created
  const prefix = `${PREFIX}${process.pid}-${number}-`
  const bridge = createNamespace(`${prefix}bridge`)
  ip(`-n ${bridge.name} link add lan type bridge mcast_snooping 0`, `-n ${bridge.name} link set lan up`)
  const members = new Map<string, Host>()
  const lan: Lan = {
    bridge,
    host: (name) => members.get(name) ?? fail(`no host ${name} on this LAN`),
    add(options) {
      const mac = options.mac ?? `02:00:00:00:${hex(number)}:${hex(members.size + 1)}`
      const host = createHost(`${prefix}${options.name}`, bridge, { addresses: [], ...options, mac })
      members.set(options.name, host)
      return host
    },
    close() {
      for (const namespace of [...members.values(), bridge]) deleteNamespace(namespace.name)
      open.delete(lan)
    },
    [Symbol.dispose]: () => lan.close(),
  }
  open.add(lan)
  for (const options of hosts) lan.add(options)
  return lan
}

/** A namespace with only `lo`, which is up. */
export function createNamespace(name: string): Namespace {
  const path = `${NAMESPACE_FOLDER}/${name}`
  ip(`netns add ${name}`)
  const namespace: Namespace = {
    name,
    path,
    run: (command, ...args) =>
      execFileSync('nsenter', [`--net=${path}`, '--', command, ...args], { encoding: 'utf8', stdio: 'pipe' }),
    spawn: (command, args, options = {}) => spawn('nsenter', [`--net=${path}`, '--', command, ...args], options),
  }
  const settings = ['default', 'all'].map((scope) => `echo 0 > /proc/sys/net/ipv6/conf/${scope}/accept_dad`)
  namespace.run('sh', '-c', ['ip link set lo up', ...settings].join(' && '))
  return namespace
}

/** Kills what runs in the namespace and deletes it; a namespace that is gone already is fine. */
export function deleteNamespace(name: string): void {
  if (!existsSync(`${NAMESPACE_FOLDER}/${name}`)) return
  const pids = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n').filter(Boolean)
  for (const pid of pids) kill(Number(pid))
  ip(`netns delete ${name}`)
}

/** Deletes the namespaces of processes that are gone; returns their names. */
export function sweepNamespaces(): string[] {
  if (!existsSync(NAMESPACE_FOLDER)) return []
  const stale = readdirSync(NAMESPACE_FOLDER).filter((name) => {
    const pid = /^iv-(\d+)-/.exec(name)?.[1]
    return pid !== undefined && !existsSync(`/proc/${pid}`)
  })
  for (const name of stale) deleteNamespace(name)
  return stale
}

function createHost(name: string, bridge: Namespace, options: Required<HostOptions>): Host {
  const namespace = createNamespace(name)
  const port = options.name
  ip(
    `link add eth0 netns ${name} address ${options.mac} type veth peer name ${port} netns ${bridge.name}`,
    `-n ${bridge.name} link set dev ${port} master lan up`,
    `-n ${name} link set eth0 up`,
    ...options.addresses.map(
      (address) => `-n ${name} address add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`,
    ),
  )
  return {
    ...namespace,
    mac: options.mac,
    unplug: () => ip(`-n ${bridge.name} link set dev ${port} down`),
    plug: () => ip(`-n ${bridge.name} link set dev ${port} up`),
  }
}

function ip(...commands: string[]): void {
  for (const command of commands) execFileSync('ip', command.split(' '), { stdio: 'pipe' })
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // Gone between the listing and the signal: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Leftovers of crashed runs go first; our own go at exit, also after Ctrl-C. */
function armCleanup(): void {
  sweepNamespaces()
  process.once('exit', closeLans)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      closeLans()
      process.kill(process.pid, signal)
    })
  }
}

/**
 * Closes what is still open; for `afterEach`: a test that ran into its time limit has not disposed of its LAN, and the
 * programs in there would keep the file's process from ending.
 */
export function closeLans(): void {
  for (const lan of [...open]) lan.close()
}

function hex(value: number): string {
  return (value & 0xff).toString(16).padStart(2, '0')
}

function fail(message: string): never {
  throw new Error(message)
}
