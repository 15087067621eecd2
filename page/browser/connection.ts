/** The stream of changes, opened anew whenever it ends. */
import type { PageMessage } from '../model.ts'

export interface ConnectionListeners {
  readonly onMessage: (message: PageMessage) => void
  /** A sentence for the reader. */
  readonly onState: (isLive: boolean, sentence: string) => void
}

const EVENTS = 'page/events'
const RETRY_MS = 5_000

export function connect(listeners: ConnectionListeners): void {
  const { onMessage, onState } = listeners
  const source = new EventSource(EVENTS)
  source.onmessage = ({ data }) => {
    onState(true, 'Live')
    onMessage(JSON.parse(data) as PageMessage)
  }
  source.onerror = () => {
    onState(false, 'Connection lost: trying again')
    // The browser tries again by itself, unless it was answered with a refusal.
    if (source.readyState !== EventSource.CLOSED) return
    void whyNot().then((sentence) => onState(false, sentence))
    setTimeout(() => connect(listeners), RETRY_MS)
  }
}

async function whyNot(): Promise<string> {
  try {
    const { status } = await fetch(EVENTS, { method: 'HEAD' })
    if (status === 401 || status === 403) return 'You may not look any more: run invarctl ui again'
    return status === 503
      ? 'Too many people look at this page, or the API server is away: trying again'
      : 'Trying again'
  } catch {
    return 'Nobody answers: does invarctl ui still run?'
  }
}
