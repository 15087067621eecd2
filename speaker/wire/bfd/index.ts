export { Bfd } from './bfd.ts'
export type { BfdPath } from './session.ts'
