/** Certificates and keys as they lie in the Secret or in files: PEM, read and judged. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Secret } from '../../operator/index.ts'
import type { Held, HeldCertificates } from './certificates.ts'

/** Keys of the Secret; MetalLB's, so that either program goes on with what the other made. */
export const SECRET_KEYS = {
  authority: 'ca.crt',
  authorityKey: 'ca.key',
  certificate: 'tls.crt',
  key: 'tls.key',
} as const

/** PEM; '' where there is none. `authority` may hold several certificates, the newest first: all are trusted. */
export type CertificateTexts = Readonly<Record<keyof typeof SECRET_KEYS, string>>

/** What a server needs. PEM. */
export type ServerTexts = Pick<CertificateTexts, 'certificate' | 'key'>

export function textsOfSecret(secret: Secret | undefined): CertificateTexts {
  const read = (name: keyof typeof SECRET_KEYS): string =>
    Buffer.from(secret?.data?.[SECRET_KEYS[name]] ?? '', 'base64').toString('utf8')
  return {
    authority: read('authority'),
    authorityKey: read('authorityKey'),
    certificate: read('certificate'),
    key: read('key'),
  }
}

/** `data` of the Secret that holds them. */
export function secretDataOf(texts: CertificateTexts): Record<string, string> {
  const names = Object.keys(SECRET_KEYS) as (keyof typeof SECRET_KEYS)[]
  return Object.fromEntries(names.map((name) => [SECRET_KEYS[name], Buffer.from(texts[name]).toString('base64')]))
}

/** @param dnsName the name by which the API server calls the webhook */
export function examine(texts: CertificateTexts, dnsName: string): HeldCertificates {
  const authority = certificateOf(texts.authority)
  return {
    authority: heldAuthority(authority, texts.authorityKey),
    server: heldServer(texts, authority, dnsName),
  }
}

/** Whether a server can work with these, whoever issued them. */
export function examineServer({ certificate, key }: ServerTexts): Held {
  const parsed = certificateOf(certificate)
  if (parsed === undefined && key === '') return { kind: 'absent' }
  return heldBy(parsed, key)
}

function heldAuthority(certificate: X509Certificate | undefined, key: string): Held {
  if (certificate === undefined && key === '') return { kind: 'absent' }
  if (certificate !== undefined && !certificate.ca) return { kind: 'unusable', because: 'is not one of an authority' }
  const held = heldBy(certificate, key)
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate?.publicKey ?? {}
  // What `issue` can sign with: ours, and MetalLB's.
  const isKnown = type === 'rsa' || (type === 'ec' && details?.namedCurve === 'prime256v1')
  if (held.kind === 'held' && !isKnown) return { kind: 'unusable', because: 'has a key that is neither P-256 nor RSA' }
  return held
}

function heldServer(texts: CertificateTexts, authority: X509Certificate | undefined, dnsName: string): Held {
  const held = examineServer(texts)
  const certificate = certificateOf(texts.certificate)
  if (held.kind !== 'held' || certificate === undefined) return held
  if (authority === undefined || !certificate.verify(authority.publicKey)) {
    return { kind: 'unusable', because: 'is not signed by the authority beside it' }
  }
  if (certificate.checkHost(dnsName) === undefined) return { kind: 'unusable', because: `is not for ${dnsName}` }
  return held
}

function heldBy(certificate: X509Certificate | undefined, keyText: string): Held {
  if (certificate === undefined) return { kind: 'unusable', because: 'cannot be read' }
  const key = keyOf(keyText)
  if (key === undefined) return { kind: 'unusable', because: 'has no readable key' }
  if (!certificate.checkPrivateKey(key)) return { kind: 'unusable', because: 'has the key of another one' }
  const { validFromDate, validToDate } = certificate
  return { kind: 'held', notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() }
}

/** The first certificate of a PEM text. Somebody may have edited it: what cannot be read is as good as absent. */
function certificateOf(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text)
  } catch {
    return undefined
  }
}

function keyOf(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text)
  } catch {
    return undefined
  }
}
