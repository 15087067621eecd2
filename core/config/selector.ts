/** Label selectors of Kubernetes (meta/v1 LabelSelector), compiled. */

/** One condition on a label. `in` and `not-in` carry their values sorted. */
export interface Requirement {
  readonly key: string
  readonly operator: 'in' | 'not-in' | 'exists' | 'does-not-exist'
  readonly values: readonly string[]
}

/** All requirements hold; none = everything is selected. */
export interface Selector {
  readonly requirements: readonly Requirement[]
  /** Canonical: equal selectors have equal texts, whatever the order in the resource. '' selects everything. */
  readonly text: string
}

export type Labels = Readonly<Record<string, string>>

export function matches(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every((requirement) => holds(requirement, labels))
}

/** Whether a list of selectors, of which any may match, admits the labels. An empty list restricts nothing: true. */
export function matchesAny(selectors: readonly Selector[], labels: Labels): boolean {
  return selectors.length === 0 || selectors.some((selector) => matches(selector, labels))
}

function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value)
    // As in Kubernetes, an absent label is not in any list.
    case 'not-in':
      return value === undefined || !values.includes(value)
    case 'exists':
      return value !== undefined
    case 'does-not-exist':
      return value === undefined
  }
}

/** A LabelSelector as it stands in a resource, before anybody vouched for its contents. */
export interface LabelSelectorText {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

/** A fault in a selector; `path` is relative to it. */
export interface SelectorFault {
  readonly path: string
  readonly rule:
    | 'selector-key-invalid'
    | 'selector-value-invalid'
    | 'selector-operator-unknown'
    | 'selector-values-missing'
    | 'selector-values-superfluous'
    | 'selector-values-repeated'
  /** Continues "… : ". */
  readonly message: string
}

export interface CompiledSelector {
  /** Meaningless where there are faults. */
  readonly selector: Selector
  readonly faults: readonly SelectorFault[]
}

const OPERATORS: Readonly<Record<string, Requirement['operator']>> = {
  In: 'in',
  NotIn: 'not-in',
  Exists: 'exists',
  DoesNotExist: 'does-not-exist',
}

/** Compiles one selector and names everything that Kubernetes or MetalLB would refuse in it. */
export function compileSelector(text: LabelSelectorText): CompiledSelector {
  const faults: SelectorFault[] = []
  const requirements: Requirement[] = []
  for (const [key, value] of Object.entries(text.matchLabels ?? {})) {
    const path = `matchLabels[${key}]`
    faults.push(...judgeKey(key, path), ...judgeValue(value, path))
    requirements.push({ key, operator: 'in', values: [value] })
  }
  for (const [index, expression] of (text.matchExpressions ?? []).entries()) {
    const path = `matchExpressions[${index}]`
    const values = expression.values ?? []
    const operator = OPERATORS[expression.operator]
    faults.push(...judgeKey(expression.key, `${path}.key`))
    if (operator === undefined) faults.push(unknownOperator(expression.operator, `${path}.operator`))
    else faults.push(...judgeValues(operator, values, `${path}.values`))
    requirements.push({ key: expression.key, operator: operator ?? 'exists', values: [...values].sort() })
  }
  return { selector: canonical(requirements), faults }
}

function canonical(requirements: readonly Requirement[]): Selector {
  const byText = new Map(requirements.map((requirement) => [textOf(requirement), requirement]))
  const texts = [...byText.keys()].sort()
  return { requirements: texts.map((text) => byText.get(text)!), text: texts.join(',') }
}

/** The notation of `kubectl get -l`. */
function textOf({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'in':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`
    case 'not-in':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(',')})`
    case 'exists':
      return key
    case 'does-not-exist':
      return `!${key}`
  }
}

const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/
const LONGEST_DNS_SUBDOMAIN = 253

function judgeKey(key: string, path: string): SelectorFault[] {
  const slash = key.lastIndexOf('/')
  const prefix = slash === -1 ? undefined : key.slice(0, slash)
  const prefixIsGood = prefix === undefined || (DNS_SUBDOMAIN.test(prefix) && prefix.length <= LONGEST_DNS_SUBDOMAIN)
  if (prefixIsGood && NAME.test(key.slice(slash + 1))) return []
  const message = `"${key}" is not a label key; write it as "app" or "example.com/app"`
  return [{ path, rule: 'selector-key-invalid', message }]
}

function judgeValue(value: string, path: string): SelectorFault[] {
  if (value === '' || NAME.test(value)) return []
  const message = `"${value}" is not a label value: up to 63 letters, digits, "-", "_" and "." are allowed`
  return [{ path, rule: 'selector-value-invalid', message }]
}

function unknownOperator(operator: string, path: string): SelectorFault {
  const message = `"${operator}" is not an operator; use In, NotIn, Exists or DoesNotExist`
  return { path, rule: 'selector-operator-unknown', message }
}

function judgeValues(operator: Requirement['operator'], values: readonly string[], path: string): SelectorFault[] {
  const faults = values.flatMap((value, index) => judgeValue(value, `${path}[${index}]`))
  const takesValues = operator === 'in' || operator === 'not-in'
  if (takesValues && values.length === 0) {
    faults.push({ path, rule: 'selector-values-missing', message: 'In and NotIn need at least one value' })
  }
  if (!takesValues && values.length > 0) {
    faults.push({ path, rule: 'selector-values-superfluous', message: 'Exists and DoesNotExist take no values' })
  }
  for (const [index, value] of values.entries()) {
    if (values.indexOf(value) === index) continue
    const message = `"${value}" is listed twice; drop one`
    faults.push({ path: `${path}[${index}]`, rule: 'selector-values-repeated', message })
  }
  return faults
}
