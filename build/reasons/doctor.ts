/** What `invarctl doctor` finds. It says what to do with the names of the objects; here stands what is behind it. */
import { CHECKS, type CheckId } from '../../cli/doctor/finding.ts'
import type { Section } from './entry.ts'

const REMEDIES: Readonly<Record<CheckId, string>> = {
  'crd-missing': 'Install the chart with `crds.enabled=true`, or apply `crds/`.',
  'crd-outdated': 'Apply `crds/`: the definitions of Invar contain all fields of older ones.',
  'namespace-restricted':
    'Label the namespace `pod-security.kubernetes.io/enforce: privileged`: the speaker uses the network of its node.',
  'right-missing': 'Install with `rbac.create=true`, or give the service account the right that is named.',
  'controller-down':
    'Look at the Pod (`kubectl describe pod`) and at its log. Addresses that were given stay announced.',
  'speaker-down': 'Look at the Pod and its log; `/readyz` on port 17472 of the node says what it waits for.',
  'speaker-missing': 'Look at tolerations, `speaker.nodeSelector` and the events of the DaemonSet.',
  'version-skew': 'Finish the upgrade, or use the command line of the same version.',
  'membership-secret': 'Start the controller, which makes the Secret, or create it with an entry `secretkey`.',
  'members-unheard': 'Let UDP 7946 through between the nodes, on the network that addresses are announced on.',
  'port-taken':
    'Find it with `ss -ltunp` on the node. End it, or give the program another port by the values of the chart.',
  'socket-fault': 'Look at the error: a missing capability, or a kernel without the option.',
  'rival-load-balancer': 'Stop one of the two, or give each a `loadBalancerClass` of its own.',
  'status-written-by-others': 'Find the other program by the field managers of the Service, and stop it.',
  'webhook-untrusted': 'Wait for the leading controller; if it stays, look at its log and its rights.',
  'webhook-unreachable': 'Look whether a controller is ready. Until then faults are told after the apply.',
  'strict-arp': 'Set `ipvs.strictARP: true` in the configuration of kube-proxy and restart it.',
  'rp-filter': 'Set `net.ipv4.conf.all.rp_filter` and that of the interface to 0 or 2.',
  'link-down': 'Look at the cable, the switch port, and at `excludel2.yaml`, which leaves interfaces out.',
  'uplink-lost': 'Look at the switch and the router of that node.',
  'node-excluded':
    'Remove the label `node.kubernetes.io/exclude-from-external-load-balancers`, or set `speaker.ignoreExcludeLB=true`.',
  'session-down': 'See "Why a BGP session is down".',
  'configuration-problem': 'See "Rules for the configuration".',
  'pool-overlaps': 'Take these addresses out of the pool.',
  'pool-not-announced':
    'Create an L2Advertisement or a BGPAdvertisement that reaches the pool, or correct its selectors.',
  'address-conflict': 'Take the address from the station whose MAC is named, or out of the pool.',
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

export const DOCTOR: readonly Section[] = [
  {
    title: 'What doctor finds',
    where: 'In brackets in `invarctl doctor`; `id` in its JSON.',
    reasons: Object.entries(CHECKS).map(([code, about]) => ({
      code,
      meaning: sentence(about),
      remedy: REMEDIES[code as CheckId],
    })),
  },
]
