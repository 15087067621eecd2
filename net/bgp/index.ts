export { identifierOfNodeName } from './identifier.ts'
export * from './message/index.ts'
export * from './rib/index.ts'
export * from './session/index.ts'
