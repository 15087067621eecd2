/** Elements out of names and text: never out of markup, so that whatever a user wrote is shown as it is written. */

export interface Attributes {
  readonly class?: string
  readonly role?: string
  readonly [name: `data-${string}` | `aria-${string}`]: string
  readonly datetime?: string
  readonly title?: string
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...children)
  return made
}

/** What index.html has under this id. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`index.html has no #${id}`)
  return found as E
}
