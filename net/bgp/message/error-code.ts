/**
 * Every error that a NOTIFICATION can name: RFC 4271 section 4.5, RFC 5492, RFC 4486, RFC 6608, RFC 7313, RFC 8538,
 * RFC 9234, RFC 9384, RFC 9687. The keys are the words shown to users, with hyphens for blanks.
 */
export const ERRORS = {
  'message-header-error': {
    code: 1,
    subcodes: {
      unspecific: 0,
      'connection-not-synchronized': 1,
      'bad-message-length': 2,
      'bad-message-type': 3,
    },
  },
  'open-message-error': {
    code: 2,
    subcodes: {
      unspecific: 0,
      'unsupported-version-number': 1,
      'bad-peer-AS': 2,
      'bad-BGP-identifier': 3,
      'unsupported-optional-parameter': 4,
      'unacceptable-hold-time': 6,
      'unsupported-capability': 7,
      'role-mismatch': 11,
    },
  },
  'update-message-error': {
    code: 3,
    subcodes: {
      unspecific: 0,
      'malformed-attribute-list': 1,
      'unrecognized-well-known-attribute': 2,
      'missing-well-known-attribute': 3,
      'attribute-flags-error': 4,
      'attribute-length-error': 5,
      'invalid-ORIGIN-attribute': 6,
      'invalid-NEXT_HOP-attribute': 8,
      'optional-attribute-error': 9,
      'invalid-network-field': 10,
      'malformed-AS_PATH': 11,
    },
  },
  'hold-timer-expired': { code: 4, subcodes: { unspecific: 0 } },
  'finite-state-machine-error': {
    code: 5,
    subcodes: {
      unspecific: 0,
      'unexpected-message-in-OpenSent': 1,
      'unexpected-message-in-OpenConfirm': 2,
      'unexpected-message-in-Established': 3,
    },
  },
  cease: {
    code: 6,
    subcodes: {
      unspecific: 0,
      'maximum-number-of-prefixes-reached': 1,
      'administrative-shutdown': 2,
      'peer-deconfigured': 3,
      'administrative-reset': 4,
      'connection-rejected': 5,
      'other-configuration-change': 6,
      'connection-collision-resolution': 7,
      'out-of-resources': 8,
      'hard-reset': 9,
      'BFD-down': 10,
    },
  },
  'route-refresh-message-error': { code: 7, subcodes: { unspecific: 0, 'invalid-message-length': 1 } },
  'send-hold-timer-expired': { code: 8, subcodes: { unspecific: 0 } },
} as const satisfies Record<string, { readonly code: number; readonly subcodes: Readonly<Record<string, number>> }>

export type ErrorName = keyof typeof ERRORS
export type SubcodeName<E extends ErrorName> = keyof (typeof ERRORS)[E]['subcodes']
export type CeaseReason = SubcodeName<'cease'>

/** `cease: administrative shutdown`; numbers stand where a word is not known. */
export function describeError(code: number, subcode: number): string {
  const known = Object.entries(ERRORS).find(([, error]) => error.code === code)
  if (known === undefined) return `error ${code}/${subcode}`
  const [name, error] = known
  const detail = Object.entries<number>(error.subcodes).find(([, number]) => number === subcode)?.[0]
  if (detail === 'unspecific') return inWords(name)
  return `${inWords(name)}: ${detail === undefined ? `subcode ${subcode}` : inWords(detail)}`
}

function inWords(name: string): string {
  return name.replaceAll('-', ' ')
}
