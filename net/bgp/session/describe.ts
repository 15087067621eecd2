import { describeNotification } from '../message/index.ts'
import type { DownReason, Ending } from './session.ts'

/** Why a session is down, for people: status, events and `invarctl peers`. */
export function describeDown(because: DownReason): string {
  switch (because.kind) {
    case 'stopped':
      return `ended by us: ${describeEnding(because.ending)}`
    case 'reconfigured':
      return `reset by us: the configuration changed (${because.options.join(', ')})`
    case 'disconnected':
      return `connection lost or refused: ${because.because}`
    case 'connect-timeout':
      return 'no answer to the TCP connection'
    case 'hold-timer-expired':
      return 'hold timer expired: the peer has been silent'
    case 'send-hold-timer-expired':
      return 'send hold timer expired: the peer does not read'
    case 'notification-received':
      return `the peer ended it: ${describeNotification(because.notification)}`
    case 'notification-sent':
      return `we refused the peer: ${describeNotification(because.notification)}`
    case 'replaced-by-new-connection':
      return 'the peer came back with a new connection'
    case 'bfd-down':
      return 'BFD says that the path is down'
  }
}

function describeEnding(ending: Ending): string {
  if (ending.kind === 'graceful-restart') return 'restarting'
  const text = ending.text === undefined ? '' : ` "${ending.text}"`
  return ending.reason.replaceAll('-', ' ') + text
}
