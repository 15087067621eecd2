/** The key that speakers authenticate each other by: made once, then left alone. */
import { randomBytes } from 'node:crypto'
import { ApiError, type Client, type RequestOptions, SECRETS } from '../operator/index.ts'

const KEY_BYTES = 16

/**
 * Creates the Secret where it is not there: 16 random bytes in unpadded base64 under `secretkey`, the form in which
 * MetalLB keeps it (spec: layer 2, membership), so that either program can use what the other made.
 * @returns whether it was created
 */
export async function ensureMembershipSecret(
  client: Pick<Client, 'create'>,
  name: { readonly namespace: string; readonly name: string },
  options: RequestOptions,
): Promise<boolean> {
  const text = randomBytes(KEY_BYTES).toString('base64').replace(/=+$/, '')
  const labels = { 'app.kubernetes.io/managed-by': 'invar' }
  const secret = {
    metadata: { ...name, labels },
    type: 'Opaque',
    data: { secretkey: Buffer.from(text).toString('base64') },
  }
  try {
    await client.create(SECRETS, secret, options)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.kind === 'conflict') return false
    throw error
  }
}
