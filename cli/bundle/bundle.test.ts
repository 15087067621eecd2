import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Archive, packed } from './archive.ts'
import { MASK, redacted, SecretWords } from './redact.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const PASSWORD = 'pa"ss-w0rd'

describe('what may leave the cluster', () => {
  const peer = {
    kind: 'BGPPeer',
    metadata: {
      name: 'tor',
      managedFields: [{ manager: 'kubectl' }],
      annotations: {
        [LAST_APPLIED]: JSON.stringify({ spec: { password: PASSWORD } }),
        'metallb.io/x': 'kept',
        'vendor.example/token': PASSWORD,
      },
    },
    spec: { password: PASSWORD, peerAddress: '192.0.2.1', passwordSecret: { name: 'tor-password' } },
  }

  test('a password, its copies in annotations, and nothing else, is masked', () => {
    assert.deepEqual(redacted(peer), {
      kind: 'BGPPeer',
      metadata: {
        name: 'tor',
        annotations: { [LAST_APPLIED]: MASK, 'metallb.io/x': 'kept', 'vendor.example/token': MASK },
      },
      spec: { password: MASK, peerAddress: '192.0.2.1', passwordSecret: { name: 'tor-password' } },
    })
  })

  test('environment and flags of a container', () => {
    const container = {
      name: 'x',
      args: ['--api-token=abcd', '--tls-key-file=/etc/key', '--ml-secret-key-path=/etc/k', 'run'],
      env: [
        { name: 'DB_PASSWORD', value: PASSWORD },
        { name: 'METALLB_ML_SECRET_NAME', value: 'memberlist' },
        { name: 'FROM', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } },
      ],
    }
    assert.deepEqual(redacted({ containers: [container] }), {
      containers: [
        {
          name: 'x',
          args: [`--api-token=${MASK}`, '--tls-key-file=/etc/key', '--ml-secret-key-path=/etc/k', 'run'],
          env: [{ name: 'DB_PASSWORD', value: MASK }, ...container.env.slice(1)],
        },
      ],
    })
  })

  test('keys of any object', () => {
    assert.deepEqual(redacted({ data: { secretkey: 'a', 'tls.key': 'b', 'tls.crt': 'c' }, Token: 'd', password: '' }), {
      data: { secretkey: MASK, 'tls.key': MASK, 'tls.crt': 'c' },
      ...{ Token: MASK, password: '' },
    })
  })

  test('known secrets are masked in any text: as they are, as JSON and in base64', () => {
    const words = new SecretWords([PASSWORD, 'abc', `${PASSWORD}-longer`])
    const base64 = Buffer.from(PASSWORD).toString('base64')
    const text = `a ${PASSWORD} b ${JSON.stringify(PASSWORD)} c ${base64} d ${PASSWORD}-longer e abc`
    assert.equal(words.mask(text), `a ${MASK} b "${MASK}" c ${MASK} d ${MASK} e abc`)
  })
})

test('nothing that was added shows a secret, however it was added; what is missing is named', () => {
  const archive = new Archive([PASSWORD])
  archive.addObjects('objects/x.yaml', [{ spec: { note: `uses ${PASSWORD}` } }])
  archive.addJson('x.json', { inUse: 2n ** 63n, password: PASSWORD, said: PASSWORD })
  archive.addText('logs/x.log', `dialled with ${PASSWORD}\n`)
  archive.addMissing('logs/y.log', `refused ${PASSWORD}`)
  const plain = gunzipSync(packed('invar', archive.files)).toString()
  assert.ok(!plain.includes(PASSWORD) && !plain.includes('w0rd'))
  assert.ok(plain.includes('invar/objects/x.yaml') && plain.includes('dialled with (masked)'))
  assert.ok(plain.includes('9223372036854775808'))
  assert.deepEqual(archive.missing, [{ what: 'logs/y.log', because: 'refused (masked)' }])
})
