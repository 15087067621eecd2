/** What a page in the text format of Prometheus says, family by family. */

export interface ScrapedFamily {
  readonly name: string
  readonly type: string
  /** Of each of its series; of a histogram without `le`. */
  readonly labels: readonly (readonly string[])[]
}

/** Families in the order of the page. */
export function familiesOn(page: string): readonly ScrapedFamily[] {
  const families = new Map<string, { name: string; type: string; labels: string[][] }>()
  for (const line of page.split('\n')) {
    const declared = /^# TYPE (\S+) (\S+)$/.exec(line)
    // Pages of several programs may stand one after the other.
    if (declared !== null && !families.has(declared[1]!)) {
      families.set(declared[1]!, { name: declared[1]!, type: declared[2]!, labels: [] })
    }
    const sample = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line)
    if (sample !== null) familyOf(sample[1]!, families)!.labels.push(labelsIn(sample[2] ?? ''))
  }
  return [...families.values()]
}

function familyOf<T>(series: string, families: ReadonlyMap<string, T>): T | undefined {
  return families.get(series) ?? families.get(series.replace(/_(bucket|sum|count)$/, ''))
}

function labelsIn(text: string): string[] {
  const names = [...text.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, name]) => name!)
  return names.filter((name) => name !== 'le')
}
