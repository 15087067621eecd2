import { RULES } from '../core/config/index.ts'

/** Rules that `lint` has beyond those of the configuration: about kinds and Services, which `compile` does not see. */
export const LINT_RULES = {
  'kind-unknown': 'The API group metallb.io has no kind of this name.',
  'annotation-unknown': 'The annotation has our prefix, and is none of ours.',
  'annotation-deprecated': 'The annotation has the prefix metallb.universe.tf; metallb.io replaces it.',
  'request-malformed': 'What the Service asks for can be granted by no pool.',
  'request-refused': 'The pools of these files would not grant what the Service asks for.',
} as const

export type LintRule = keyof typeof LINT_RULES

/** All that `invarctl lint` can name, with what each means. */
export const ALL_RULES: Readonly<Record<string, string>> = { ...RULES, ...LINT_RULES }
