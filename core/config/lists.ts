/** Lists of names and of selectors, which all kinds have alike. */
import type { Findings } from './draft.ts'
import { compileSelector, type LabelSelectorText, type Selector } from './selector.ts'

/** Compiles a list of selectors; faults, and selectors that say the same, are found. */
export function compileSelectors(
  texts: readonly LabelSelectorText[] | undefined,
  path: string,
  findings: Findings,
): readonly Selector[] {
  const firstAt = new Map<string, number>()
  return (texts ?? []).map((text, index) => {
    const here = `${path}[${index}]`
    const selector = compileOne(text, here, findings)
    const first = firstAt.get(selector.text)
    if (first === undefined) firstAt.set(selector.text, index)
    else findings.error(here, 'selector-repeated', `is the same selector as ${path}[${first}]; drop one`)
    return selector
  })
}

export function compileOne(text: LabelSelectorText, path: string, findings: Findings): Selector {
  const { selector, faults } = compileSelector(text)
  for (const fault of faults) findings.error(`${path}.${fault.path}`, fault.rule, fault.message)
  return selector
}

/** Passes a list of names on; one that stands twice is found. */
export function judgeNames(names: readonly string[] | undefined, path: string, findings: Findings): readonly string[] {
  const seen = new Set<string>()
  for (const [index, name] of (names ?? []).entries()) {
    if (seen.has(name)) findings.error(`${path}[${index}]`, 'name-repeated', `"${name}" is listed twice; drop one`)
    seen.add(name)
  }
  return names ?? []
}
