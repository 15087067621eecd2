/**
 * Bytes written for people: hex digits in any grouping, with `# comment` to the end of the line. A value put in with
 * `${}` is bytes. An odd digit or another character is a mistake in the test and throws.
 */
export function hex(strings: TemplateStringsArray, ...values: readonly Uint8Array[]): Uint8Array {
  const text = strings.map((part, index) => part + (values[index] === undefined ? '' : toHex(values[index]))).join('')
  const digits = text.replace(/#.*$/gm, '').replace(/\s+/g, '')
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits)) throw new SyntaxError(`not whole bytes in hex: ${digits}`)
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** Bytes as lower-case hex digits without blanks. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
