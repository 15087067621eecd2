export { Bgp, type BgpOptions } from './bgp.ts'
