export { internetChecksum } from './checksum.ts'
export { DecodeError, type DecodeErrorKind } from './decode-error.ts'
export { Reader } from './reader.ts'
export { Writer } from './writer.ts'
