/** The shipped webhook on a control plane of a test's, where no Service leads to the test's process. */

export const CONFIGURATION = 'validatingwebhookconfiguration/metallb-webhook-configuration'

/** The API server calls by URL, and the certificate is for its host. */
export const DNS_NAME = 'localhost'

/** Does what the Service would do in a cluster. */
export function callByUrl(plane: { kubectl(args: readonly string[]): string }, port: number): void {
  const found = JSON.parse(plane.kubectl(['get', CONFIGURATION, '-o', 'json'])) as {
    webhooks: { clientConfig: { service: { path: string } } }[]
  }
  const patch = found.webhooks.map(({ clientConfig }, index) => ({
    op: 'replace',
    path: `/webhooks/${index}/clientConfig`,
    value: { url: `https://${DNS_NAME}:${port}${clientConfig.service.path}` },
  }))
  plane.kubectl(['patch', CONFIGURATION, '--type=json', '-p', JSON.stringify(patch)])
}
