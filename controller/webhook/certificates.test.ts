import assert from 'node:assert/strict'
import { KeyObject, type webcrypto, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import 'reflect-metadata'
import { BasicConstraintsExtension, SubjectKeyIdentifierExtension, X509CertificateGenerator } from '@peculiar/x509'
import { type CertificateTexts, examine, examineServer, secretDataOf, textsOfSecret } from './certificate-texts.ts'
import {
  AUTHORITY_LIFETIME_MS,
  type Held,
  planCertificates,
  RENEW_BEFORE_MS,
  SERVER_LIFETIME_MS,
} from './certificates.ts'
import { issueAuthority, issueServer } from './issue.ts'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 0, 1)
const DNS_NAME = 'metallb-webhook-service.metallb-system.svc'

const absent: Held = { kind: 'absent' }
const unusable: Held = { kind: 'unusable', because: 'cannot be read' }
/** Valid for so many days more. */
const held = (days: number, sinceDays = 300): Held => ({
  kind: 'held',
  notBefore: NOW - sinceDays * DAY_MS,
  notAfter: NOW + days * DAY_MS,
})

/** What is held → what is done, why, and whether the old authority is trusted on. */
const PLANS: readonly [name: string, authority: Held, server: Held, plan: string, because?: RegExp][] = [
  ['an empty Secret', absent, absent, 'issue-authority', /there is no authority yet/],
  ['all in order', held(3_000), held(200), 'keep'],
  ['a server certificate 91 days from its end', held(3_000), held(91), 'keep'],
  ['a server certificate 90 days from its end', held(3_000), held(90), 'issue-server', /expires on 2026-04-01/],
  ['a server certificate past its end', held(3_000), held(-1), 'issue-server', /expires on 2025-12-31/],
  ['an authority without a server certificate', held(3_000), absent, 'issue-server', /no server certificate yet/],
  ['a server certificate that cannot be read', held(3_000), unusable, 'issue-server', /cannot be read/],
  ['a server certificate of tomorrow', held(3_000), held(300, -1), 'issue-server', /not valid before 2026-01-02/],
  ['an authority 90 days from its end', held(90), held(89), 'issue-authority with handover', /expires on/],
  ['an authority past its end', held(0), held(0), 'issue-authority', /expires on 2026-01-01/],
  ['an authority that cannot be read', unusable, held(200), 'issue-authority', /cannot be read/],
  ['an authority of tomorrow', held(3_000, -1), held(200), 'issue-authority', /not valid before/],
]

describe('the plan', () => {
  for (const [name, authority, server, expected, because] of PLANS) {
    test(`${name}: ${expected}`, () => {
      const plan = planCertificates({ authority, server }, NOW)
      const isHandover = plan.kind === 'issue-authority' && plan.isHandover
      assert.equal(plan.kind + (isHandover ? ' with handover' : ''), expected)
      if (plan.kind !== 'keep') assert.match(plan.because, because!)
    })
  }
})

async function issued(wallMs = NOW, dnsName = DNS_NAME): Promise<CertificateTexts> {
  const authority = await issueAuthority(wallMs)
  return { ...authority, ...(await issueServer(authority, dnsName, wallMs)) }
}

describe('what is issued', () => {
  test('is held, is to be kept, and goes through the Secret unchanged', async () => {
    const texts = await issued()
    assert.deepEqual(textsOfSecret({ metadata: { name: 'x' }, data: secretDataOf(texts) }), texts)
    const certificates = examine(texts, DNS_NAME)
    assert.deepEqual(planCertificates(certificates, NOW), { kind: 'keep' })
    assert.equal(certificates.authority.kind === 'held' && certificates.authority.notAfter, NOW + AUTHORITY_LIFETIME_MS)
    assert.equal(certificates.server.kind === 'held' && certificates.server.notAfter, NOW + SERVER_LIFETIME_MS)
  })

  test('is renewed on the very day: kept a moment before, issued at it', async () => {
    const certificates = examine(await issued(), DNS_NAME)
    const renewal = NOW + SERVER_LIFETIME_MS - RENEW_BEFORE_MS
    assert.equal(planCertificates(certificates, renewal - 1).kind, 'keep')
    assert.equal(planCertificates(certificates, renewal).kind, 'issue-server')
  })

  test('RFC 5280: an authority that signs no authorities, a server for one name, P-256, ten years and one', async () => {
    const { authority, certificate } = await issued()
    const [issuer, server] = [new X509Certificate(authority), new X509Certificate(certificate)]
    assert.ok(issuer.ca && !server.ca)
    assert.ok(server.checkIssued(issuer) && server.verify(issuer.publicKey) && issuer.verify(issuer.publicKey))
    assert.equal(issuer.subject, 'O=metallb\nCN=cert')
    assert.equal(server.subjectAltName, `DNS:${DNS_NAME}`)
    assert.deepEqual(server.keyUsage, ['1.3.6.1.5.5.7.3.1'])
    assert.equal(server.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    assert.notEqual(issuer.serialNumber, server.serialNumber)
  })

  test('a server certificate does not outlive its authority', async () => {
    const authority = await issueAuthority(NOW - AUTHORITY_LIFETIME_MS + 100 * DAY_MS)
    const { certificate } = await issueServer(authority, DNS_NAME, NOW)
    assert.equal(new X509Certificate(certificate).validToDate.getTime(), NOW + 100 * DAY_MS)
  })

  test('a name longer than a common name may be (64) is in the alternative names, whole', async () => {
    const long = `metallb-webhook-service.${'n'.repeat(63)}.svc`
    const texts = await issued(NOW, long)
    assert.equal(examine(texts, long).server.kind, 'held')
  })
})

/** As another program would make an authority. */
async function foreignAuthority(
  algorithm: webcrypto.RsaHashedKeyGenParams | (webcrypto.EcKeyGenParams & { hash: string }),
): Promise<Pick<CertificateTexts, 'authority' | 'authorityKey'>> {
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const dates = { notBefore: new Date(NOW), notAfter: new Date(NOW + AUTHORITY_LIFETIME_MS) }
  const extensions = [new BasicConstraintsExtension(true), new SubjectKeyIdentifierExtension('0102030405')]
  const name = 'O=metallb, CN=cert'
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...{ name, ...dates, keys, extensions, signingAlgorithm: algorithm },
  })
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
  return { authority: certificate.toString('pem'), authorityKey: key }
}

describe('an authority that another program has made', () => {
  test('with RSA, as MetalLB does: it is kept, and signs our server certificates', async () => {
    const modulus = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) }
    const authority = await foreignAuthority({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', ...modulus })
    const texts = { ...authority, ...(await issueServer(authority, DNS_NAME, NOW)) }
    assert.deepEqual(planCertificates(examine(texts, DNS_NAME), NOW), { kind: 'keep' })
    // Not only the signature: also the identifier, which is not the one that we would have computed.
    assert.ok(new X509Certificate(texts.certificate).checkIssued(new X509Certificate(texts.authority)))
  })

  test('with a key that we cannot sign with: another one is issued', async () => {
    const authority = await foreignAuthority({ name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' })
    const held = examine({ ...authority, certificate: '', key: '' }, DNS_NAME)
    assert.equal(planCertificates(held, NOW).kind, 'issue-authority')
  })
})

describe('what is not usable', () => {
  test('says why', async () => {
    const [texts, other] = [await issued(), await issued()]
    const rows: readonly [broken: Partial<CertificateTexts>, which: 'authority' | 'server', because: RegExp][] = [
      [{ authority: 'oops' }, 'authority', /cannot be read/],
      [{ authority: other.authority }, 'authority', /key of another/],
      [{ authorityKey: '' }, 'authority', /no readable key/],
      [{ authority: texts.certificate, authorityKey: texts.key }, 'authority', /not one of an authority/],
      [{ certificate: '', key: texts.key }, 'server', /cannot be read/],
      [{ key: 'oops' }, 'server', /no readable key/],
      [{ key: other.key }, 'server', /key of another/],
      [{ certificate: other.certificate, key: other.key }, 'server', /not signed by the authority/],
      [{ authority: '' }, 'server', /not signed by the authority/],
    ]
    for (const [broken, which, because] of rows) {
      const found = examine({ ...texts, ...broken }, DNS_NAME)[which]
      assert.match(found.kind === 'unusable' ? found.because : found.kind, because)
    }
    const elsewhere = examine(texts, 'metallb-webhook-service.other.svc').server
    assert.match(elsewhere.kind === 'unusable' ? elsewhere.because : elsewhere.kind, /is not for metallb.*other/)
  })

  test('a Secret as it is shipped is empty, not broken', () => {
    const none = textsOfSecret({ metadata: { name: 'x' } })
    assert.deepEqual(examine(none, DNS_NAME), { authority: absent, server: absent })
    assert.deepEqual(examineServer(textsOfSecret(undefined)), absent)
  })

  test('of several authorities the first one counts: the others are only trusted', async () => {
    const [texts, old] = [await issued(), await issueAuthority(NOW)]
    assert.equal(examine({ ...texts, authority: texts.authority + old.authority }, DNS_NAME).server.kind, 'held')
    assert.equal(examine({ ...texts, authority: old.authority + texts.authority }, DNS_NAME).server.kind, 'unusable')
    const both = { ...texts, authority: texts.authority + old.authority }
    assert.equal(examine({ ...both, ...(await issueServer(both, DNS_NAME, NOW)) }, DNS_NAME).server.kind, 'held')
  })
})
