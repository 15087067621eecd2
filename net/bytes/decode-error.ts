/**
 * What was wrong with bytes that a peer sent:
 * `truncated` ends too early, `malformed` breaks a rule of the format, `unsupported` is legal but not ours to read,
 * `too-long` exceeds a named limit.
 */
export type DecodeErrorKind = 'truncated' | 'malformed' | 'unsupported' | 'too-long'

/**
 * The only thing a decoder throws: the peer's fault, never ours. `offset` counts from the start of the bytes that the
 * decoder was given.
 */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly kind: DecodeErrorKind
  readonly offset: number

  constructor(kind: DecodeErrorKind, offset: number, message: string) {
    super(message)
    this.kind = kind
    this.offset = offset
  }
}
