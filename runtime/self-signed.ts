/**
 * A certificate that vouches for nothing but its own key (RFC 5280): what a server encrypts with where nobody gave it
 * one. What it loads takes 0.15 s and 26 MB, so a thread of its own imports it: `selfSigned` in server-certificate.ts.
 */
// First: the parts of the package find each other through it.
import 'reflect-metadata'
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { SelfSignedRequest, ServerCertificate } from './server-certificate.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
/** Longer than any process runs. */
const LIFETIME_MS = 3_650 * 86_400_000
/** The clock of a client may be behind ours. */
const BACKDATE_MS = 3_600_000

export async function issueSelfSigned({ dnsName, wallMs }: SelfSignedRequest): Promise<ServerCertificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [dnsName] }],
    notBefore: new Date(wallMs - BACKDATE_MS),
    notAfter: new Date(wallMs + LIFETIME_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: dnsName }]),
    ],
  })
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { certificate: `${certificate.toString('pem')}\n`, key: `${key}\n` }
}
