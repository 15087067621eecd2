import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CHART, generatedChartFiles, presentChartFiles } from '../build/chart.ts'

test('the chart carries the CRDs and the version of this commit (mend with: npm run generate)', () => {
  const generated = generatedChartFiles()
  assert.deepEqual(presentChartFiles(), [...generated.keys()].sort())
  for (const [path, content] of generated) assert.equal(readFileSync(join(CHART, path), 'utf8'), content, path)
})

test('what is kept on uninstall says so: every CRD', () => {
  for (const [path, content] of generatedChartFiles())
    if (path.startsWith('files/crds/')) assert.match(content, /helm\.sh\/resource-policy: keep/, path)
})
