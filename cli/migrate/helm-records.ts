/** What helm remembers: one Secret a revision of a release, with all its manifests inside. */
import { gunzipSync } from 'node:zlib'
import type { Secret } from '../../operator/index.ts'

/**
 * All records of releases that are MetalLB's now: by the labels of a record alone nobody knows of which chart it is. A
 * release that was upgraded to another chart is not among them.
 */
export function recordsOfMetalLb(secrets: readonly Secret[]): readonly Secret[] {
  const records = secrets.filter(({ type }) => type === 'helm.sh/release.v1')
  const releases = Map.groupBy(records, ({ metadata }) => metadata.labels?.name ?? '')
  return [...releases.values()].filter((revisions) => chartOf(newest(revisions)) === 'metallb').flat()
}

function newest(revisions: readonly Secret[]): Secret {
  return revisions.reduce((a, b) => (revisionOf(b) > revisionOf(a) ? b : a))
}

function revisionOf({ metadata }: Secret): number {
  return Number(metadata.labels?.version ?? 0)
}

/** undefined = it is not in the form that helm gives it since version 3. */
function chartOf({ data = {} }: Secret): string | undefined {
  try {
    // Base64 by the API server, base64 by helm, gzip, JSON.
    const packed = Buffer.from(Buffer.from(data.release ?? '', 'base64').toString(), 'base64')
    const release: unknown = JSON.parse(gunzipSync(packed).toString())
    return (release as { readonly chart?: { readonly metadata?: { readonly name?: string } } }).chart?.metadata?.name
  } catch {
    return undefined
  }
}
