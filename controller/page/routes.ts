/** The web page over HTTP: a few files, and a stream of what changes. Nothing of it can change anything. */
import type { OutgoingHttpHeaders } from 'node:http'
import type { RefusalOf } from '../../operator/index.ts'
import { ASSETS } from '../../page/generated/assets.ts'
import type { Answer, Routes } from '../../runtime/http.ts'
import type { Feed } from './feed.ts'

/** The non-resource URL that a reader needs the right to `get`; the files and the stream go with it. */
export const PAGE_PATH = '/page'

/**
 * Nothing from elsewhere, nothing inline, in nobody's frame; and the browser itself refuses to make HTML out of text.
 * What is shown is text of users: names, annotations, messages.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const HEADERS: OutgoingHttpHeaders = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

const TOO_MANY: Answer = {
  status: 503,
  headers: { ...HEADERS, 'retry-after': '10' },
  body: 'too many people look at this page already: try again when one has left\n',
}

export function pageRoutes(feed: Feed, refusalOf: RefusalOf): Routes {
  const files = Object.entries(ASSETS).map(([path, { contentType, body }]): [string, Routes[string]] => [
    path,
    async ({ headers }) => {
      const refusal = await refusalOf({ headers, url: PAGE_PATH })
      return refusal ?? { status: 200, body, contentType, headers: HEADERS }
    },
  ])
  const events: Routes[string] = async ({ headers }) => {
    const recheck = () => refusalOf({ headers, url: PAGE_PATH })
    const refusal = await recheck()
    if (refusal !== undefined) return refusal
    if (feed.isFull) {
      feed.dropped['too-many']++
      return TOO_MANY
    }
    return {
      headers: { ...HEADERS, 'content-type': 'text/event-stream' },
      begin: (response) => feed.open(response, recheck),
    }
  }
  return { ...Object.fromEntries(files), [`${PAGE_PATH}/events`]: events }
}
