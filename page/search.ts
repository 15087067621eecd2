/** Which Services are shown. Pure. */
import { type Announcer, type ServiceRow, STANDINGS, type Standing } from './model.ts'

export interface Search {
  /** Words, each of which must be found somewhere in the row; '' = all. */
  readonly text: string
  /** undefined = all. */
  readonly standing: Standing | undefined
}

export function found(services: readonly ServiceRow[], { text, standing }: Search): readonly ServiceRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0 && standing === undefined) return services
  return services.filter((row) => {
    if (standing !== undefined && row.standing !== standing) return false
    if (words.length === 0) return true
    const haystack = textOf(row)
    return words.every((word) => haystack.includes(word))
  })
}

/** All that is shown of a row, in lower case: ten thousand of them are put together within one key stroke. */
function textOf({ key, standing, addresses, pool = '', answers = [], routes = [], reason }: ServiceRow): string {
  const announcers = [...answers, ...routes].map(({ node, over }: Announcer) => `${node} ${over.join(' ')}`).join(' ')
  const why = reason === undefined ? '' : `${reason.code} ${reason.sentence}`
  return `${key} ${standing} ${addresses.join(' ')} ${pool} ${announcers} ${why}`.toLowerCase()
}

/** How many Services there are of each standing. */
export function tally(services: readonly ServiceRow[]): Readonly<Record<Standing, number>> {
  const counts = Object.fromEntries(STANDINGS.map((standing) => [standing, 0])) as Record<Standing, number>
  for (const { standing } of services) counts[standing]++
  return counts
}

/** What a node does for the Services. */
export interface Workload {
  /** Services that it answers for on layer 2. */
  readonly answers: number
  /** Services whose routes it announces. */
  readonly routes: number
  /** Services with an address that it saw somebody else use. */
  readonly conflicts: number
  /** Names of the interfaces that it was seen to answer on. */
  readonly links: readonly string[]
}

export const IDLE: Workload = { answers: 0, routes: 0, conflicts: 0, links: [] }

export function workloads(services: readonly ServiceRow[]): ReadonlyMap<string, Workload> {
  const found = new Map<string, { answers: number; routes: number; conflicts: number; links: Set<string> }>()
  const of = (node: string) => {
    const known = found.get(node) ?? { answers: 0, routes: 0, conflicts: 0, links: new Set<string>() }
    found.set(node, known)
    return known
  }
  for (const { answers = [], routes = [], conflicts = [] } of services) {
    for (const { node, over } of answers) {
      const work = of(node)
      work.answers++
      for (const link of over) work.links.add(link)
    }
    for (const { node } of routes) of(node).routes++
    for (const { node } of conflicts) of(node).conflicts++
  }
  return new Map([...found].map(([node, work]) => [node, { ...work, links: [...work.links].sort() }]))
}

/** Services that have an address of each pool. */
export function customers(services: readonly ServiceRow[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { pool } of services) if (pool !== undefined) counts.set(pool, (counts.get(pool) ?? 0) + 1)
  return counts
}
