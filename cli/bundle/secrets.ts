/** Secrets that could stand in a log or an event: they are read to be masked there, and for nothing else. */
import type { BGPPeer } from '../../crds/index.ts'
import { CONFIGURATION_RESOURCES, SECRETS, unless } from '../../operator/index.ts'
import { asking, type Connection } from '../connection.ts'

/** Passwords of BGPPeers and the membership key, as far as they may be read. @throws CannotRun */
export function knownSecrets(
  connection: Connection,
  namespace: string,
  membershipSecret: string | undefined,
): Promise<readonly string[]> {
  return asking(connection, async () => {
    const { client } = connection
    const { items } = await client.list(CONFIGURATION_RESOURCES.BGPPeer, { namespace })
    const names = new Set([
      ...items.flatMap(secretNameOf),
      ...(membershipSecret === undefined ? [] : [membershipSecret]),
    ])
    const read = [...names].map((name) => unless(['forbidden', 'not-found'], client.get(SECRETS, { namespace, name })))
    const stored = (await Promise.all(read)).flatMap((secret) => Object.values(secret?.data ?? {}))
    const plain = stored.map((value) => Buffer.from(value, 'base64').toString())
    return [...items.flatMap(({ spec }) => spec?.password ?? []), ...stored, ...plain]
  })
}

function secretNameOf({ spec }: BGPPeer): readonly string[] {
  const { name } = spec?.passwordSecret ?? {}
  return name === undefined ? [] : [name]
}
