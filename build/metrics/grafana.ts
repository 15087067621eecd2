/** The dashboard in the form that Grafana imports. */
import { type Panel, ROWS, type Row } from './dashboard.ts'

const DATASOURCE = { type: 'prometheus', uid: '$datasource' }
const COLUMNS = 24

/** JSON, with a line break at its end. */
export function grafanaDashboard(): string {
  const dashboard = {
    title: 'Invar',
    uid: 'invar-overview',
    description: 'Addresses, who announces them, and what is in the way.',
    tags: ['invar', 'metallb', 'kubernetes'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    templating: { list: variables() },
    panels: panels(),
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`
}

function variables(): readonly object[] {
  const namespaces = 'label_values(invar_controller_leader, namespace)'
  return [
    { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', hide: 0 },
    {
      ...{ name: 'namespace', label: 'Namespace', type: 'query', datasource: DATASOURCE, refresh: 2, sort: 1 },
      ...{ query: { query: namespaces, refId: 'namespaces' }, definition: namespaces },
    },
  ]
}

function panels(): readonly object[] {
  const all: object[] = []
  let y = 0
  for (const row of ROWS) {
    all.push({ id: all.length + 1, type: 'row', title: row.title, collapsed: false, gridPos: place(0, y, COLUMNS, 1) })
    y += 1
    y += placePanels(row, y, all)
  }
  return all
}

/** @returns the height of all lines that the row's panels take */
function placePanels({ height, panels: each }: Row, top: number, into: object[]): number {
  let [x, y] = [0, top]
  for (const panel of each) {
    if (x + panel.width > COLUMNS) [x, y] = [0, y + height]
    into.push({ id: into.length + 1, ...panelOf(panel), gridPos: place(x, y, panel.width, height) })
    x += panel.width
  }
  return y + height - top
}

function place(x: number, y: number, w: number, h: number): object {
  return { x, y, w, h }
}

function panelOf({ title, kind, unit, description, shows, badFrom, isBadBelow }: Panel): object {
  const [fine, bad] = ['green', 'red']
  const steps =
    badFrom === undefined
      ? [{ color: fine, value: null }]
      : isBadBelow
        ? [
            { color: bad, value: null },
            { color: fine, value: badFrom },
          ]
        : [
            { color: fine, value: null },
            { color: bad, value: badFrom },
          ]
  return {
    ...{ type: kind, title, description, datasource: DATASOURCE },
    fieldConfig: { defaults: { unit, min: 0, thresholds: { mode: 'absolute', steps } }, overrides: [] },
    options: kind === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value' } : {},
    targets: Object.entries(shows).map(([expr, legendFormat], index) => ({
      ...{ refId: String.fromCharCode('A'.charCodeAt(0) + index), datasource: DATASOURCE, expr, legendFormat },
      ...(kind === 'table' && { format: 'table', instant: true }),
    })),
  }
}
