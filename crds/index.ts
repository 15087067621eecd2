export type * from './generated/index.ts'
export { DEFINITIONS, type Kind } from './generated/schemas.ts'
export type { LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference } from './object.ts'
export type { Definition, Schema } from './schema.ts'
export {
  isKind,
  KINDS,
  SCHEMA_RULES,
  type SchemaProblem,
  type SchemaRule,
  validate,
  withDefaults,
} from './validate.ts'
