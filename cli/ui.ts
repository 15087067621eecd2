/** `invarctl ui`: the controller's web page in the browser of this machine. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { KubeConfigSource, KubernetesObject, Resource } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { CannotRun } from './cannot-run.ts'
import { installNamespace } from './cluster-state.ts'
import type { UiFlags } from './commands/page.ts'
import { asking, type Connection, connect } from './connection.ts'
import { type Installation, isReady, type PodShape, readInstallation } from './installation.ts'
import { type LocalProxy, startLocalProxy } from './local-proxy.ts'
import { AccountToken, ownToken } from './page-token.ts'
import { connectToPod, type PodPort } from './pod-connection.ts'
import type { Report } from './report.ts'

const SERVICE_ACCOUNTS: Resource = {
  ...{ group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true },
}
/** The chart labels so what belongs to the page. */
const PAGE_LABEL = 'component=page'
const PAGE_PORT = 'page'

/** Resolves when it is told to stop. @param present called once the page can be looked at */
export async function runUi(flags: Omit<UiFlags, 'output'>, present: (report: Report) => void): Promise<void> {
  const connection = connect(flags)
  const source: KubeConfigSource =
    flags.kubeconfig === undefined
      ? { kind: 'default', context: flags.context }
      : { kind: 'file', path: flags.kubeconfig, context: flags.context }
  try {
    const namespace = await asking(connection, () => installNamespace(connection))
    const target = pagePort(await readInstallation(connection, namespace))
    const token = await tokenOf(connection, source, namespace, flags)
    // What is wrong with either is said at once, and not by the browser.
    await asking(connection, token)
    ;(await dial(source, target)).destroy()
    const proxy = await startLocalProxy({
      port: portOf(flags.port),
      ...{ token, dial: () => dial(source, target) },
      onFault: ({ message }) => process.stderr.write(`${message}\n`),
    })
    present(reportOf(proxy, target))
    const forget = flags.open ? openBrowser(proxy.url) : () => undefined
    await interrupted()
    forget()
    await proxy.stop()
  } finally {
    connection.client.close()
  }
}

/** The page of the leader, who knows the decisions; of another one while there is none. */
export function pagePort({ namespace, controllers, lease }: Installation): PodPort {
  const ready = controllers.filter(isReady)
  const leader = ready.find(({ metadata }) => lease?.holder.startsWith(`${metadata.name}_`))
  const pod = leader ?? ready[0]
  if (pod === undefined) {
    throw new CannotRun(`no controller is ready in namespace ${namespace}`, 'invarctl status says how they stand')
  }
  const port = portNamed(pod, PAGE_PORT)
  if (port !== undefined) return { namespace, pod: pod.metadata.name, port }
  throw new CannotRun(
    `the controller ${namespace}/${pod.metadata.name} serves no page`,
    'switch it on with the value controller.page.enabled=true of the chart',
  )
}

function portNamed({ spec }: PodShape, name: string): number | undefined {
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  return ports.find((port) => port.name === name)?.containerPort
}

async function tokenOf(
  connection: Connection,
  source: KubeConfigSource,
  namespace: string,
  { serviceAccount, ownToken: isOwn }: Omit<UiFlags, 'output'>,
): Promise<() => Promise<string>> {
  if (isOwn) return () => ownToken(source)
  const { client } = connection
  const account = serviceAccount ?? (await pageAccount(connection, namespace))
  const tokens = new AccountToken(client, systemClock, namespace, account)
  return () => tokens.get()
}

function pageAccount(connection: Connection, namespace: string): Promise<string> {
  return asking(connection, async () => {
    const { items } = await connection.client.list<KubernetesObject>(SERVICE_ACCOUNTS, {
      ...{ namespace, labelSelector: PAGE_LABEL },
    })
    const [account] = items
    if (account !== undefined) return account.metadata.name
    throw new CannotRun(
      `namespace ${namespace} has no ServiceAccount with the label ${PAGE_LABEL}`,
      'name one that may get /page with --service-account, or show your own token with --own-token',
    )
  })
}

/**
 * The certificate is one that the controller issues to itself. Who it is, is vouched for by the API server, which makes
 * the connection to that very Pod.
 */
async function dial(source: KubeConfigSource, target: PodPort): Promise<Duplex> {
  const socket = await connectToPod(source, target)
  return connectTls({ socket, rejectUnauthorized: false })
}

function portOf(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
  throw new CannotRun(`--port ${text} is no port`, 'give a number from 1 to 65535, or 0 for any that is free')
}

function reportOf({ url }: LocalProxy, { namespace, pod }: PodPort): Report {
  return {
    value: { url, pod: { namespace, name: pod } },
    text: ({ paint }) => `The page of ${namespace}/${pod} is at\n  ${paint('strong', url)}\nuntil Ctrl-C.\n`,
    exitCode: 0,
  }
}

const OPENERS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', linux: 'xdg-open' }

/**
 * By way of a file that only we can read: the command line of a program is everybody's to see.
 * @returns what removes the file
 */
function openBrowser(url: string): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'invarctl-'))
  const file = join(folder, 'open.html')
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0;url=${url}">\n`, { mode: 0o600 })
  const child = spawn(OPENERS[process.platform] ?? 'xdg-open', [file], { stdio: 'ignore', detached: true })
  child.on('error', () => process.stderr.write('No browser could be opened: open the address yourself.\n'))
  child.unref()
  return () => rmSync(folder, { recursive: true, force: true })
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
