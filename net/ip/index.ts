export {
  type Address,
  addressFromBytes,
  addressToBytes,
  compareAddresses,
  type Family,
  formatAddress,
  parseAddress,
  widthOf,
} from './address.ts'
export { formatPrefix, type Prefix, parsePrefix, prefixContains, prefixOf } from './prefix.ts'
export {
  parseRange,
  type Range,
  type RangeError,
  rangeContains,
  rangeOfPrefix,
  rangeSize,
  rangesOverlap,
  rangeToPrefixes,
} from './range.ts'
export { RangeIndex } from './range-index.ts'
