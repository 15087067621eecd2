/** The manifest by which krew, kubectl's plugin manager, installs the command line. */
import { VERSION } from '../runtime/version.ts'

const DESCRIPTION = `Says why a Service of type LoadBalancer has the address that it has, who answers for it, and what a
    change of pools would do: lint, plan, explain, owners, peers, routes, drain --simulate.`

/**
 * @param url the folder that the archives will lie in
 * @param digests file → SHA-256
 */
export function krewManifest(url: string, digests: Readonly<Record<string, string>>): string {
  const archives = Object.keys(digests).filter((name) => /^invarctl-.*-linux-\w+\.tar\.gz$/.test(name))
  const platforms = archives.map((name) => {
    const architecture = /-linux-(\w+)/.exec(name)![1]
    return `    - selector: { matchLabels: { os: linux, arch: ${architecture} } }
      uri: ${url.replace(/\/$/, '')}/${name}
      sha256: ${digests[name]}
      bin: kubectl-invar
`
  })
  return `apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata: { name: invar }
spec:
  version: v${VERSION}
  shortDescription: Explains and plans load balancer addresses
  description: |
    ${DESCRIPTION}
  platforms:
${platforms.join('')}`
}
