/** Which metrics and labels an expression of PromQL names; enough of its grammar for rules and dashboards of ours. */
import { isOfTheRuntime } from './catalogue.ts'

export interface References {
  readonly metrics: readonly string[]
  /** In selectors and in groupings. */
  readonly labels: readonly string[]
}

const METRIC = /(?<![\w:])(?:metallb|invar|process|nodejs)_[a-z0-9_]+|(?<![\w:])up(?=\{)/g
const SELECTOR = /\{([^}]*)\}/g
const MATCHER = /(\w+)\s*(?:=~|!~|!=|=)/g
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g

export function referencesIn(expression: string): References {
  const matchers = [...expression.matchAll(SELECTOR)].flatMap(([, inside]) =>
    [...inside!.replaceAll(/"[^"]*"/g, '').matchAll(MATCHER)].map(([, label]) => label!),
  )
  const groupings = [...expression.matchAll(GROUPING)].flatMap(([, names]) => names!.split(','))
  const labels = [...matchers, ...groupings.map((name) => name.trim())].filter((name) => name !== '')
  // Names of labels and values are no metrics.
  const bare = expression.replaceAll(/"[^"]*"/g, '""').replaceAll(GROUPING, '')
  return { metrics: unique(bare.match(METRIC) ?? []), labels: unique(labels) }
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}

/** Labels that scraping adds, and that histograms have. */
const OF_THE_TARGET = ['namespace', 'pod', 'container', 'instance', 'job', 'le']

interface Known {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
}

/** What an expression names and no program exposes; empty = it can be right. */
export function strangersIn(expression: string, families: readonly Known[]): readonly string[] {
  const { metrics, labels } = referencesIn(expression)
  const found = metrics.map((metric) => ({ metric, family: familyOf(metric, families) }))
  const unknown = found.filter(
    ({ metric, family }) => family === undefined && metric !== 'up' && !isOfTheRuntime(metric),
  )
  const known = new Set([...OF_THE_TARGET, ...found.flatMap(({ family }) => family?.labels ?? [])])
  return [...unknown.map(({ metric }) => metric), ...labels.filter((label) => !known.has(label))]
}

function familyOf(metric: string, families: readonly Known[]): Known | undefined {
  const plain = families.find(({ name, type }) => name === metric && type !== 'histogram')
  const part = /_(?:bucket|sum|count)$/.exec(metric)
  if (plain !== undefined || part === null) return plain
  return families.find(({ name, type }) => type === 'histogram' && name === metric.slice(0, part.index))
}
