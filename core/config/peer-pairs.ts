/** What two peers must not have in common, and what BFD echo mode does not go with. */
import { type Draft, inForce } from './draft.ts'
import type { NodeSharing } from './node-sharing.ts'
import type { NodeFacts } from './resources.ts'
import { matchesAny } from './selector.ts'
import type { BgpAdvertisement, BgpPeer, ObjectRef, Pool } from './snapshot.ts'

/** Refuses a peer whose address (or interface), port and VRF are those of an older one on a common node. */
export function refuseRepeatedPeers(
  drafts: readonly Draft<BgpPeer>[],
  lastGood: ReadonlyMap<string, BgpPeer> | undefined,
  nodes: NodeSharing,
): void {
  const byRemote = new Map<string, { readonly object: ObjectRef; readonly form: BgpPeer }[]>()
  for (const one of drafts) {
    if (one.form !== undefined && one.findings.blocking === undefined) {
      const { form } = one
      const older = byRemote
        .get(remoteOf(form))
        ?.find((other) => nodes.share(form.nodeSelectors, other.form.nodeSelectors))
      if (older !== undefined) refuseRepeated(one, form, older)
    }
    const settled = inForce(one, lastGood)
    if (settled === undefined) continue
    const remote = remoteOf(settled)
    const peers = byRemote.get(remote)
    if (peers === undefined) byRemote.set(remote, [{ object: one.object, form: settled }])
    else peers.push({ object: one.object, form: settled })
  }
}

function refuseRepeated(
  { findings }: Draft<BgpPeer>,
  form: BgpPeer,
  older: { readonly object: ObjectRef; readonly form: BgpPeer },
): void {
  const { name } = older.object
  if (isSameButForName(form, older.form)) {
    const text = `is the same in every field as the older BGPPeer ${name}; delete one`
    findings.error('spec', 'peer-repeated', text, [older.object])
    return
  }
  const { target } = form
  const remote = target.kind === 'address' ? target.address : target.interface
  const text = `${remote} port ${form.port} is also the peer of the older BGPPeer ${name} on a common node; change one`
  const path = target.kind === 'address' ? 'spec.peerAddress' : 'spec.interface'
  findings.error(path, 'peer-remote-repeated', text, [older.object])
}

function remoteOf({ target, port, vrf }: BgpPeer): string {
  return JSON.stringify([target.kind === 'address' ? [target.address] : target.interface, port, vrf])
}

function isSameButForName(a: BgpPeer, b: BgpPeer): boolean {
  return JSON.stringify({ ...a, name: '' }) === JSON.stringify({ ...b, name: '' })
}

/** FRR has one router id a node; Invar has one a session, but who comes from MetalLB may not have meant that. */
export function noticeRouterIds(drafts: readonly Draft<BgpPeer>[], nodes: readonly NodeFacts[] | undefined): void {
  const noticed = new Set<Draft<BgpPeer>>()
  for (const node of nodes ?? [undefined]) {
    const peers = drafts.filter(
      ({ form, findings }) =>
        form !== undefined &&
        findings.blocking === undefined &&
        (node === undefined || matchesAny(form.nodeSelectors, node.labels)),
    )
    const [oldest, ...younger] = peers
    for (const one of younger) {
      if (one.form!.routerId === oldest!.form!.routerId || noticed.has(one)) continue
      noticed.add(one)
      const [ours, theirs] = [one.form!.routerId ?? 'not set', oldest!.form!.routerId ?? 'not set']
      const text = `is ${ours} but ${theirs} in BGPPeer ${oldest!.object.name} on a common node; peers may take them for two routers`
      one.findings.notice('spec.routerID', 'router-ids-differ', text, [oldest!.object])
    }
  }
}

/**
 * BFD echo packets are looped back by the peer's forwarding, which is not had for IPv6: of a peer with echo mode and an
 * advertisement that takes IPv6 routes to it, the younger is refused.
 */
export function refuseEchoWithIpv6(
  peers: readonly Draft<BgpPeer>[],
  advertisements: readonly Draft<BgpAdvertisement>[],
  pools: ReadonlyMap<string, Pool>,
  nodes: NodeSharing,
): void {
  for (const peer of peers) {
    if (peer.form?.bfdProfile?.echoMode !== true || peer.findings.blocking !== undefined) continue
    for (const advertisement of advertisements) {
      if (advertisement.form === undefined || advertisement.findings.blocking !== undefined) continue
      const { form } = advertisement
      const reaches = form.peers.length === 0 || form.peers.includes(peer.object.name)
      if (!reaches || !nodes.share(form.nodeSelectors, peer.form.nodeSelectors)) continue
      const pool = [...form.pools].find((name) => pools.get(name)?.families.has(6))
      if (pool !== undefined) refuseEcho(peer, advertisement, pool)
    }
  }
}

function refuseEcho(peer: Draft<BgpPeer>, advertisement: Draft<BgpAdvertisement>, pool: string): void {
  const profile = peer.form!.bfdProfile!.name
  const { namespace } = peer.object
  const others = [
    { kind: 'IPAddressPool', namespace, name: pool },
    { kind: 'BFDProfile', namespace, name: profile },
  ]
  if (peer.age > advertisement.age) {
    const text = `echoMode of BFDProfile ${profile} does not go with IPv6, but BGPAdvertisement ${advertisement.object.name} announces pool ${pool} to this peer; turn echoMode off`
    peer.findings.error('spec.bfdProfile', 'bfd-echo-ipv6', text, [advertisement.object, ...others])
  } else {
    const text = `pool ${pool} holds IPv6 and is announced to BGPPeer ${peer.object.name}, whose BFDProfile ${profile} has echoMode; turn it off or name other peers`
    advertisement.findings.error('spec.peers', 'bfd-echo-ipv6', text, [peer.object, ...others])
  }
}
