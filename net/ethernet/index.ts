export { decodeFrame, ETHERNET_HEADER_BYTES, EtherType, encodeFrame, type Frame } from './frame.ts'
export { BROADCAST_MAC, formatMac, isGroupMac, type Mac, macAt, macToBytes, multicastMac, parseMac } from './mac.ts'
