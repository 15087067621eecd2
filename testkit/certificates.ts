import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/**
 * X.509 certificates for test servers and their clients, without a program or a package: node:crypto signs, this file
 * writes the DER around it (RFC 5280 §4.1; P-256 keys, ecdsa-with-SHA256).
 */

export interface Certificate {
  readonly certificatePem: string
  readonly privateKeyPem: string
}

export interface Authority extends Certificate {
  readonly commonName: string
}

export interface CertificateRequest {
  readonly commonName: string
  /** Kubernetes reads these as groups. */
  readonly organizations?: readonly string[]
  readonly dnsNames?: readonly string[]
  /** Dotted quads only. */
  readonly ipv4Addresses?: readonly string[]
}

const TAG = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, objectId: 0x06, utf8: 0x0c } as const
const SEQUENCE = 0x30
const SET = 0x31
const GENERALIZED_TIME = 0x18
const OBJECT_ID = {
  commonName: '550403',
  organization: '55040a',
  ecdsaWithSha256: '2a8648ce3d040302',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  extendedKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
  clientAuth: '2b06010505070302',
} as const

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body])
  const length = Buffer.from(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, body])
}

function objectId(name: keyof typeof OBJECT_ID): Buffer {
  return der(TAG.objectId, Buffer.from(OBJECT_ID[name], 'hex'))
}

function distinguishedName(commonName: string, organizations: readonly string[]): Buffer {
  const attribute = (type: 'commonName' | 'organization', value: string) =>
    der(SET, der(SEQUENCE, objectId(type), der(TAG.utf8, Buffer.from(value))))
  return der(SEQUENCE, ...organizations.map((o) => attribute('organization', o)), attribute('commonName', commonName))
}

function time(at: Date): Buffer {
  const text = at
    .toISOString()
    .replace(/[-:T]/g, '')
    .replace(/\.\d+Z$/, 'Z')
  return der(GENERALIZED_TIME, Buffer.from(text, 'ascii'))
}

function extension(name: keyof typeof OBJECT_ID, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [der(TAG.boolean, Buffer.of(0xff))] : []
  return der(SEQUENCE, objectId(name), ...flag, der(TAG.octetString, value))
}

function alternativeNames(request: CertificateRequest): Buffer[] {
  const names = [
    ...(request.dnsNames ?? []).map((name) => der(0x82, Buffer.from(name, 'ascii'))),
    ...(request.ipv4Addresses ?? []).map((ip) => der(0x87, Buffer.from(ip.split('.').map(Number)))),
  ]
  return names.length === 0 ? [] : [extension('subjectAltName', false, der(SEQUENCE, ...names))]
}

/** RFC 5280 §4.2.1.3: bit 0 is digitalSignature, bit 5 keyCertSign, bit 6 cRLSign. */
const KEY_USAGE = {
  authority: Buffer.from('03020106', 'hex'),
  endEntity: Buffer.from('03020780', 'hex'),
} as const

function endEntityExtensions(request: CertificateRequest): Buffer[] {
  return [
    extension('keyUsage', true, KEY_USAGE.endEntity),
    extension('extendedKeyUsage', false, der(SEQUENCE, objectId('serverAuth'), objectId('clientAuth'))),
    ...alternativeNames(request),
  ]
}

function authorityExtensions(): Buffer[] {
  const isAuthority = der(SEQUENCE, der(TAG.boolean, Buffer.of(0xff)))
  return [extension('basicConstraints', true, isAuthority), extension('keyUsage', true, KEY_USAGE.authority)]
}

interface Unsigned {
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly publicKey: KeyObject
  readonly extensions: readonly Buffer[]
}

function signed(unsigned: Unsigned, signer: KeyObject): string {
  const now = Date.now()
  const algorithm = der(SEQUENCE, objectId('ecdsaWithSha256'))
  // The first octet is kept below 0x80 and above zero: a positive INTEGER in its shortest form.
  const serial = Buffer.concat([Buffer.of(0x01), randomBytes(15)])
  const body = der(
    SEQUENCE,
    der(0xa0, der(TAG.integer, Buffer.of(2))),
    der(TAG.integer, serial),
    algorithm,
    unsigned.issuer,
    // An hour back, so that a clock set slightly back in a test does not refuse it.
    der(SEQUENCE, time(new Date(now - 3_600_000)), time(new Date(now + 365 * 86_400_000))),
    unsigned.subject,
    unsigned.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, ...unsigned.extensions)),
  )
  const signature = sign('sha256', body, signer)
  const certificate = der(SEQUENCE, body, algorithm, der(TAG.bitString, Buffer.of(0), signature))
  const lines = certificate.toString('base64').match(/.{1,64}/g)!
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

function keyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A self-signed certificate authority, valid for a year. */
export function newAuthority(commonName: string): Authority {
  const key = newKey()
  const name = distinguishedName(commonName, [])
  const unsigned = { issuer: name, subject: name, publicKey: createPublicKey(key), extensions: authorityExtensions() }
  return { commonName, certificatePem: signed(unsigned, key), privateKeyPem: keyPem(key) }
}

/** A certificate for servers and clients, valid for a year. */
export function issue(authority: Authority, request: CertificateRequest): Certificate {
  const key = newKey()
  const unsigned = {
    issuer: distinguishedName(authority.commonName, []),
    subject: distinguishedName(request.commonName, request.organizations ?? []),
    publicKey: createPublicKey(key),
    extensions: endEntityExtensions(request),
  }
  return {
    certificatePem: signed(unsigned, createPrivateKey(authority.privateKeyPem)),
    privateKeyPem: keyPem(key),
  }
}

/** A key pair that signs service account tokens. */
export function newTokenKey(): { readonly privateKeyPem: string; readonly publicKeyPem: string } {
  const key = newKey()
  return {
    privateKeyPem: keyPem(key),
    publicKeyPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
  }
}
