/** Servers for people and tools of the cluster: HTTPS, and only for those whom the API server lets read. */
import type { IncomingMessage, Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { SecureVersion } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import { type Answer, close, type Routes, serve } from '../runtime/http.ts'
import { type Log, sentenceOf } from '../runtime/log.ts'
import { CertificateDirectory, selfSigned } from '../runtime/server-certificate.ts'
import type { Client } from './client.ts'
import { ScrapeAccess } from './scrape-access.ts'

export interface GuardedServerOptions {
  readonly client: Pick<Client, 'create'>
  readonly clock: Clock
  readonly log: Log
  readonly port: number
  /** DNS name in the certificate that the program issues to itself. */
  readonly dnsName: string
  /** Where runtime/self-signed-thread.ts lies. */
  readonly issuer: URL
  /** Folder with `tls.crt` and `tls.key`, read again when they change; '' = issue one to itself. */
  readonly certificateFolder: string
  readonly minimumTls: SecureVersion
  /** Plain HTTP on 127.0.0.1, for everybody there: behind a proxy of one's own, or in a test. */
  readonly isPlain: boolean
}

export interface GuardedServer {
  readonly stop: () => Promise<void>
}

/** The refusal of a request; undefined = it may be answered. */
export type RefusalOf = (request: Pick<IncomingMessage, 'headers' | 'url'>) => Promise<Answer | undefined>

/**
 * Serves routes, each of which has to ask `refusalOf` first.
 * @throws where it cannot listen, naming the port
 */
export async function serveGuarded(
  options: GuardedServerOptions,
  routesFor: (refusalOf: RefusalOf) => Routes,
): Promise<GuardedServer> {
  const { client, clock, port, isPlain } = options
  if (isPlain)
    return serverOf(
      await serve(
        routesFor(async () => undefined),
        { port, host: '127.0.0.1' },
      ),
    )
  const access = new ScrapeAccess(client, clock)
  const routes = routesFor((request) => access.refusalOf(request))
  const { certificateFolder, minimumTls } = options
  if (certificateFolder !== '') return serveFrom(certificateFolder, routes, options)
  const request = { dnsName: options.dnsName, wallMs: clock.wall() }
  const { certificate, key } = await selfSigned(options.issuer, request)
  return serverOf(await serve(routes, { port, tls: { cert: certificate, key, minVersion: minimumTls } }))
}

/** Until there is a certificate nobody can connect; afterwards the newest one holds for new connections. */
async function serveFrom(path: string, routes: Routes, options: GuardedServerOptions): Promise<GuardedServer> {
  const { port, clock, minimumTls, log } = options
  const server = await serve(routes, { port, tls: { minVersion: minimumTls } })
  const directory = new CertificateDirectory(path, clock)
  const unusable = (because: string): void =>
    log.error('metricsCertificate', `the certificate in ${path} cannot be used: ${because}`)
  directory.start(({ certificate, key }) => {
    try {
      ;(server as unknown as SecureServer).setSecureContext({ cert: certificate, key, minVersion: minimumTls })
    } catch (error) {
      unusable(sentenceOf(error))
    }
  }, unusable)
  return serverOf(server, directory)
}

function serverOf(server: Server, directory?: CertificateDirectory): GuardedServer {
  const stop = async (): Promise<void> => {
    await directory?.stop()
    await close(server)
  }
  return { stop }
}
