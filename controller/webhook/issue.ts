/**
 * Issues the certificates of the webhook (RFC 5280): ECDSA on P-256, which every API server of the last ten years
 * understands. Import this file only where something is to be issued: loading what it needs takes 0.1 s and 15 MB.
 */
// First: the parts of the package find each other through it.
import 'reflect-metadata'
import { createPrivateKey, type webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { CertificateTexts } from './certificate-texts.ts'
import { authorityValidity, serverValidity, type Validity } from './certificates.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const
/** MetalLB's names. */
const AUTHORITY_NAME = [{ O: ['metallb'] }, { CN: ['cert'] }]

type AuthorityTexts = Pick<CertificateTexts, 'authority' | 'authorityKey'>
type ServerTexts = Pick<CertificateTexts, 'certificate' | 'key'>

/** A new authority. `wallMs`: milliseconds since 1970. */
export async function issueAuthority(wallMs: number): Promise<AuthorityTexts> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: AUTHORITY_NAME,
    ...datesOf(authorityValidity(wallMs)),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      // RFC 5280 §4.2.1.9: it signs servers, no further authorities.
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { authority: `${certificate.toString('pem')}\n`, authorityKey: await pemOf(keys.privateKey) }
}

/** A certificate for a server of that name, signed by the first of the authority's certificates. */
export async function issueServer(authority: AuthorityTexts, dnsName: string, wallMs: number): Promise<ServerTexts> {
  const issuer = new X509Certificate(authority.authority)
  const keys = await newKeys()
  const signer = await signerOf(authority.authorityKey)
  const validity = serverValidity(wallMs, {
    notBefore: issuer.notBefore.getTime(),
    notAfter: issuer.notAfter.getTime(),
  })
  const certificate = await X509CertificateGenerator.create({
    // RFC 5280 §A.1 allows a common name 64 characters; names of Services in long namespaces have more. Nobody reads it.
    subject: [{ O: ['metallb'] }, { CN: [dnsName.slice(0, 64)] }],
    issuer: issuer.subject,
    ...datesOf(validity),
    signingAlgorithm: signer.algorithm,
    publicKey: keys.publicKey,
    signingKey: signer.key,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: dnsName }]),
      await identifierOf(issuer),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) }
}

function datesOf({ notBefore, notAfter }: Validity): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function pemOf(key: CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}

/** An authority that MetalLB has made signs with RSA; it is kept until its time is over. */
async function signerOf(
  pem: string,
): Promise<{ readonly key: CryptoKey; readonly algorithm: typeof ALGORITHM | typeof RSA }> {
  const key = createPrivateKey(pem)
  const algorithm = key.asymmetricKeyType === 'rsa' ? RSA : ALGORITHM
  return { key: key.toCryptoKey(algorithm, false, ['sign']), algorithm }
}

/** RFC 5280 §4.2.1.1: the identifier that the issuer bears, however it was made. */
async function identifierOf(issuer: X509Certificate): Promise<AuthorityKeyIdentifierExtension> {
  const borne = issuer.getExtension(SubjectKeyIdentifierExtension)
  return borne === null
    ? AuthorityKeyIdentifierExtension.create(issuer.publicKey)
    : new AuthorityKeyIdentifierExtension(borne.keyId)
}
