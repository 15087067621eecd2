/**
 * What the chart takes from elsewhere: the CRDs, the dashboard, and the version. `node build/chart.ts` writes it;
 * charts/chart.test.ts compares.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { VERSION } from '../runtime/version.ts'
import { definitionFiles } from './crds.ts'
import { grafanaDashboard } from './metrics/grafana.ts'

const ROOT = join(import.meta.dirname, '..')
export const CHART = join(ROOT, 'charts', 'invar')

/** Path inside the chart → contents. */
export function generatedChartFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const file of definitionFiles()) files.set(`files/crds/${basename(file)}`, readFileSync(file, 'utf8'))
  files.set('files/generated/dashboard.json', grafanaDashboard())
  const description = readFileSync(join(CHART, 'Chart.yaml'), 'utf8')
  files.set('Chart.yaml', description.replace(/^(version|appVersion): .*$/gm, `$1: ${VERSION}`))
  return files
}

/** Paths inside the chart of files that are there and should come from {@link generatedChartFiles}. */
export function presentChartFiles(): readonly string[] {
  return [...globSync('files/{crds,generated}/*', { cwd: CHART }), 'Chart.yaml'].sort()
}

if (import.meta.main) {
  const generated = generatedChartFiles()
  for (const path of presentChartFiles()) if (!generated.has(path)) rmSync(join(CHART, path))
  for (const [path, content] of generated) {
    mkdirSync(dirname(join(CHART, path)), { recursive: true })
    writeFileSync(join(CHART, path), content)
  }
}
