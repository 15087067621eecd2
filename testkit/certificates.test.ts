import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect, createServer } from 'node:tls'
import { issue, newAuthority } from './certificates.ts'

test('an authority signs itself and is an authority', () => {
  const authority = new X509Certificate(newAuthority('test authority').certificatePem)
  assert.equal(authority.subject, 'CN=test authority')
  assert.equal(authority.ca, true)
  assert.ok(authority.verify(authority.publicKey))
})

test('an issued certificate names its subject, groups and addresses and is signed by the authority', () => {
  const authority = newAuthority('test authority')
  const issued = issue(authority, {
    commonName: 'system:node:n1',
    organizations: ['system:nodes'],
    dnsNames: ['localhost'],
    ipv4Addresses: ['127.0.0.1', '172.30.0.10'],
  })
  const certificate = new X509Certificate(issued.certificatePem)
  assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:n1')
  assert.equal(certificate.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:172.30.0.10')
  assert.equal(certificate.ca, false)
  assert.ok(certificate.checkIssued(new X509Certificate(authority.certificatePem)))
  assert.ok(certificate.verify(new X509Certificate(authority.certificatePem).publicKey))
  assert.ok(certificate.checkPrivateKey(createPrivateKey(issued.privateKeyPem)))
})

test('TLS accepts both sides of a mutual handshake', async () => {
  const authority = newAuthority('test authority')
  const server = issue(authority, { commonName: 'server', ipv4Addresses: ['127.0.0.1'] })
  const client = issue(authority, { commonName: 'client' })
  const ca = authority.certificatePem
  const listener = createServer({
    cert: server.certificatePem,
    key: server.privateKeyPem,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  const socket = connect({ host: '127.0.0.1', port, ca, cert: client.certificatePem, key: client.privateKeyPem })
  await once(socket, 'secureConnect')
  assert.equal(socket.authorized, true)
  socket.destroy()
  listener.close()
})
