/**
 * Stands in for MetalLB, of which there is no image here: its chart and manifests as objects, with its definitions, names,
 * labels, flags, webhooks and rights. Where programs have to run, Invar's run under MetalLB's names.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { definitionFiles } from '../../build/crds.ts'
import { requireHelm } from '../../testkit/programs.ts'

/** Images of its workloads. */
export const STAND_IN_IMAGES = ['quay.io/metallb/controller:v0.15.2', 'quay.io/metallb/speaker:v0.15.2'] as const

/** Writes the chart into a folder, below it; answers its path. */
export function writeStandInChart(folder: string): string {
  const chart = join(folder, 'metallb')
  cpSync(join(import.meta.dirname, 'chart'), chart, { recursive: true })
  for (const file of definitionFiles()) {
    writeFileSync(join(chart, 'templates', `crd-${basename(file)}`), asMetalLbHasIt(readFileSync(file, 'utf8')))
  }
  return chart
}

/** Its plain manifests, as `kubectl apply` takes them. */
export function standInManifests(folder: string, ...values: readonly string[]): string {
  const args = ['template', 'metallb', writeStandInChart(folder), '--namespace', 'metallb-system']
  const sets = ['plain=true', ...values].flatMap((value) => ['--set', value])
  return execFileSync(requireHelm(), [...args, ...sets], { encoding: 'utf8' })
}

const CONVERSION = `conversion:
    strategy: Webhook
    webhook:
      conversionReviewVersions: [v1beta1, v1beta2]
      clientConfig:
        service: { name: metallb-webhook-service, namespace: metallb-system, path: /convert }
`

/** Nothing is kept when the release goes, and BGPPeers are converted by a webhook. */
function asMetalLbHasIt(definition: string): string {
  return definition
    .replace(/^ {2}annotations: \{ helm\.sh\/resource-policy: keep \}\n/m, '')
    .replace(/conversion: \{ strategy: None, webhook: null \}\n/, CONVERSION)
}
