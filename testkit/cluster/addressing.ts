/** The addresses of a whole cluster. The LAN is a bridge in a namespace of its own, so they meet no real network. */

export interface NodeNetwork {
  readonly name: string
  readonly address4: string
  readonly address6: string
  readonly mac: string
  readonly pods4: string
  readonly pods6: string
}

export const CLUSTER_RANGES = { pods: '10.244.0.0/16,fd00:10:244::/48' } as const

/** What is on the LAN besides the nodes; 172.30.0.200 and up is free for load balancer addresses. */
export const LAN_HOSTS = {
  router: { address4: '172.30.0.1', address6: 'fd00:172:30::1' },
  controlPlane: { address4: '172.30.0.10', address6: 'fd00:172:30::10', mac: '02:00:00:00:00:10' },
  client: { address4: '172.30.0.100', address6: 'fd00:172:30::100', mac: '02:00:00:00:00:64' },
} as const

/** Addresses of node number 1 to 9, called `n1` to `n9`. */
export function nodeNetwork(number: number): NodeNetwork {
  return {
    name: `n${number}`,
    address4: `172.30.0.1${number}`,
    address6: `fd00:172:30::1${number}`,
    mac: `02:00:00:00:00:1${number}`,
    pods4: `10.244.${number}.0/24`,
    pods6: `fd00:10:244:${number}::/64`,
  }
}
