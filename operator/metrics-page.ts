/** `/metrics` of both programs: HTTPS, and only for those whom the API server lets read it. */
import type { Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { SecureVersion } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import { type Answer, close, type Routes, serve } from '../runtime/http.ts'
import { type Log, sentenceOf } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import { CertificateDirectory, selfSigned } from '../runtime/server-certificate.ts'
import type { Client } from './client.ts'
import { ScrapeAccess } from './scrape-access.ts'

export interface MetricsPageOptions {
  readonly metrics: Metrics
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

export interface MetricsPage {
  readonly stop: () => Promise<void>
}

/** @throws where it cannot listen, naming the port */
export async function serveMetrics(options: MetricsPageOptions): Promise<MetricsPage> {
  const { metrics, client, clock, port, isPlain } = options
  const page = async (): Promise<Answer> => ({
    ...{ status: 200, body: await metrics.text(), contentType: metrics.contentType },
  })
  if (isPlain) return pageOf(await serve({ '/metrics': page }, { port, host: '127.0.0.1' }))
  const access = new ScrapeAccess(client, clock)
  const guarded: Routes = { '/metrics': async (request) => (await access.refusalOf(request)) ?? page() }
  const { certificateFolder, minimumTls } = options
  if (certificateFolder !== '') return serveFrom(certificateFolder, guarded, options)
  const request = { dnsName: options.dnsName, wallMs: clock.wall() }
  const { certificate, key } = await selfSigned(options.issuer, request)
  return pageOf(await serve(guarded, { port, tls: { cert: certificate, key, minVersion: minimumTls } }))
}

/** Until there is a certificate nobody can connect; afterwards the newest one holds for new connections. */
async function serveFrom(path: string, routes: Routes, options: MetricsPageOptions): Promise<MetricsPage> {
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
  return pageOf(server, directory)
}

function pageOf(server: Server, directory?: CertificateDirectory): MetricsPage {
  const stop = async (): Promise<void> => {
    await directory?.stop()
    await close(server)
  }
  return { stop }
}
