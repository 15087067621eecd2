/** What docs/reasons.md says of one code. Both are whole sentences; the remedy begins with what to do. */
export interface Entry {
  readonly meaning: string
  readonly remedy: string
}

/** Every member of a union of codes explained: a code without an entry, and an entry without a code, do not compile. */
export type Explained<Code extends string> = Readonly<Record<Code, Entry>>

interface Kinded {
  readonly kind: string
}

/** As {@link Explained}, for a union by `kind`; from the sample the page shows the very sentence that the programs say. */
export type ExplainedKinds<Union extends Kinded> = {
  readonly [Kind in Union['kind']]: Entry & { readonly sample: Extract<Union, { readonly kind: Kind }> }
}

/** One section of the page: codes that are met at the same place. */
export interface Section {
  readonly title: string
  /** Where a user meets these codes. */
  readonly where: string
  readonly reasons: readonly Reason[]
}

export interface Reason extends Entry {
  readonly code: string
  /** What the programs say with it, for example. */
  readonly says?: string
}

export function reasons<Code extends string>(explained: Explained<Code>): readonly Reason[] {
  return Object.entries<Entry>(explained).map(([code, { meaning, remedy }]) => ({ code, meaning, remedy }))
}

/** `say` is the function by which the programs put the reason into words. */
export function reasonsWith<Union extends Kinded>(
  explained: ExplainedKinds<Union>,
  say: (sample: Union) => string,
): readonly Reason[] {
  const entries = Object.entries<Entry & { readonly sample: Union }>(explained)
  return entries.map(([code, { meaning, remedy, sample }]) => ({ code, meaning, remedy, says: say(sample) }))
}
