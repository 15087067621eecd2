import type { Metrics } from '../../runtime/metrics.ts'
import type { Feed } from './feed.ts'
import type { Dropped } from './reader.ts'

/** Registers what is read of the web page at each scrape. */
export function exposePage(metrics: Metrics, feed: Pick<Feed, 'readers' | 'dropped'>): void {
  metrics.gauge('invar_page_readers', 'Browsers that look at the web page', [], (gauge) => gauge.set(feed.readers))
  metrics.counterReadAtScrape(
    'invar_page_readers_dropped_total',
    'Readers of the web page that were turned away, or whose connection was ended',
    ['reason'],
    async (set) => {
      for (const reason of Object.keys(feed.dropped) as Dropped[]) set({ reason }, feed.dropped[reason])
    },
  )
}
