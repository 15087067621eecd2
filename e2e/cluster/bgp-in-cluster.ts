/** A router on the cluster's LAN that every node announces its Services to. */
import { NAMESPACE } from '../../demo/kubernetes.ts'
import { type Cluster, LAN_HOSTS } from '../../testkit/cluster/index.ts'
import { type Router, startRouter } from '../../testkit/routers/index.ts'

const [NODE_ASN, ROUTER_ASN] = [64_512, 64_500]
const ADDRESS = LAN_HOSTS.client.address4

/** Where the client is. */
export function startClusterRouter(cluster: Cluster): Promise<Router> {
  const common = { localAddress: ADDRESS, asn: NODE_ASN }
  return startRouter('bird', {
    ...{ namespace: cluster.client, asn: ROUTER_ASN, routerId: ADDRESS, isCollector: true },
    neighbors: cluster.nodes.map(({ network }) => ({ ...common, address: network.address4 })),
  })
}

/** A BGPPeer and a BGPAdvertisement for all pools, of this name. */
export function announceTo(cluster: Cluster, name: string): void {
  const metadata = { name, namespace: NAMESPACE }
  const items = [
    {
      ...{ apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer', metadata },
      spec: { myASN: NODE_ASN, peerASN: ROUTER_ASN, peerAddress: ADDRESS, connectTime: '1s' },
    },
    { apiVersion: 'metallb.io/v1beta1', kind: 'BGPAdvertisement', metadata, spec: { communities: ['64512:100'] } },
  ]
  cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

export function announceNoMoreTo(cluster: Cluster, name: string): void {
  cluster.kubectl(['delete', '-n', NAMESPACE, `bgppeer/${name}`, `bgpadvertisement/${name}`])
}
