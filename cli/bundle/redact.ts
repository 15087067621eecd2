/** What of an object may leave the cluster in a support archive. Pure. */

export const MASK = '(masked)'

/** Whoever applied an object left a copy of it here, passwords included. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
/** Annotations that are known not to carry secrets, by the part before the slash; of others nobody knows. */
const HARMLESS_PREFIX = /(^|\.)(metallb\.io|metallb\.universe\.tf|invar\.dev|kubernetes\.io|k8s\.io|helm\.sh)$/
/** Fields whose values are secrets, whatever the object. */
const SECRET_FIELD = /^(password|passwd|passphrase|secretkey|token|authorization|credentials|.*\.key)$/i
/** Environment variables and flags that carry one; not those that say where one is. */
const SECRET_NAME = /(password|passwd|token|secret|credential|api-?key)(?![\w-]*(name|path|file|dir))/i

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** A copy without what is secret or may be; `managedFields` go too, which only make it long. */
export function redacted(object: object): object {
  return redactedValue(JSON.parse(JSON.stringify(object)) as Json, '') as object
}

function redactedValue(value: Json, field: string): Json {
  if (typeof value === 'string') return SECRET_FIELD.test(field) && value !== '' ? MASK : value
  if (value === null || typeof value !== 'object') return value
  if (isList(value))
    return field === 'args' || field === 'command'
      ? value.map(redactedArgument)
      : value.map((one) => redactedValue(one, field))
  if (field === 'env' && typeof value.name === 'string') return redactedVariable(value, value.name)
  const kept = Object.entries(value).filter(([key]) => key !== 'managedFields')
  return Object.fromEntries(
    kept.map(([key, inner]) => [key, key === 'annotations' ? redactedAnnotations(inner) : redactedValue(inner, key)]),
  )
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function redactedAnnotations(annotations: Json): Json {
  if (annotations === null || typeof annotations !== 'object' || isList(annotations)) return annotations
  return Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => {
      const isHarmless = key !== LAST_APPLIED && HARMLESS_PREFIX.test(key.split('/')[0] ?? '')
      return [key, isHarmless ? value : MASK]
    }),
  )
}

function redactedVariable(variable: { readonly [key: string]: Json }, name: string): Json {
  return SECRET_NAME.test(name) && variable.value !== undefined ? { ...variable, value: MASK } : variable
}

/** `--api-token=x` keeps its name. */
function redactedArgument(argument: Json): Json {
  if (typeof argument !== 'string') return argument
  const [flag = '', ...rest] = argument.split('=')
  return rest.length > 0 && SECRET_NAME.test(flag) ? `${flag}=${MASK}` : argument
}

/** What is shorter would be found in every second word. */
const SHORTEST = 4

/** Replaces known secrets in texts, such as logs, wherever they stand: as they are, and in base64. */
export class SecretWords {
  readonly #words: readonly string[]

  constructor(secrets: Iterable<string>) {
    const words = new Set<string>()
    for (const secret of secrets) {
      if (secret.length < SHORTEST) continue
      for (const form of [secret, JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64')])
        words.add(form)
    }
    // The longest first: a word may be part of another.
    this.#words = [...words].sort((a, b) => b.length - a.length)
  }

  mask(text: string): string {
    return this.#words.reduce((masked, word) => masked.replaceAll(word, MASK), text)
  }
}
