/**
 * What makes each alert fire, and what ends it: series as promtool writes them (`0x5 1x5`: six samples of 0, then six of
 * 1, a minute apart), and the minutes at which the alert is silent, fires and is silent again.
 */

export interface AlertScenario {
  readonly alert: string
  readonly name: string
  readonly series: Readonly<Record<string, string>>
  /** Minutes at which it does not fire: before, or when all is well again. */
  readonly silentAt: readonly number[]
  /** Minutes at which it fires, each with the labels that tell one case from another. */
  readonly firesAt: Readonly<Record<number, readonly Readonly<Record<string, string>>[]>>
}

const CONTROLLER = 'namespace="metallb-system",pod="controller-1"'
const SPEAKER = 'namespace="metallb-system",pod="speaker-1"'

function usage(percent: number, inUse: string): AlertScenario {
  return {
    alert: `MetalLBAddressPoolUsage${percent}Percent`,
    name: `a pool of 100 addresses passes ${percent} %`,
    series: {
      [`metallb_allocator_addresses_in_use_total{${CONTROLLER},pool="lan"}`]: inUse,
      [`metallb_allocator_addresses_total{${CONTROLLER},pool="lan"}`]: '100x20',
    },
    silentAt: [0, 4, 12],
    firesAt: { 5: [{ pool: 'lan' }], 9: [{ pool: 'lan' }] },
  }
}

export const ALERT_SCENARIOS: readonly AlertScenario[] = [
  {
    alert: 'MetalLBStaleConfig',
    name: 'an object is not in force for more than a minute',
    series: { [`metallb_k8s_client_config_stale_bool{${SPEAKER}}`]: '0x2 1x4 0x4' },
    silentAt: [0, 3, 8],
    firesAt: { 4: [{ pod: 'speaker-1' }], 7: [{ pod: 'speaker-1' }] },
  },
  {
    alert: 'MetalLBConfigNotLoaded',
    name: 'a program does not get to read its configuration',
    series: { [`metallb_k8s_client_config_loaded_bool{${CONTROLLER}}`]: '0x3 1x4' },
    silentAt: [0, 4],
    firesAt: { 1: [{ pod: 'controller-1' }], 3: [{ pod: 'controller-1' }] },
  },
  {
    alert: 'MetalLBAddressPoolExhausted',
    name: 'the last address is given out, and one comes back',
    series: {
      [`metallb_allocator_addresses_in_use_total{${CONTROLLER},pool="lan"}`]: '7x2 8x4 7x4',
      [`metallb_allocator_addresses_total{${CONTROLLER},pool="lan"}`]: '8x10',
      // A pool without addresses is not full.
      [`metallb_allocator_addresses_in_use_total{${CONTROLLER},pool="empty"}`]: '0x10',
      [`metallb_allocator_addresses_total{${CONTROLLER},pool="empty"}`]: '0x10',
    },
    silentAt: [2, 3, 8],
    firesAt: { 4: [{ pool: 'lan' }], 7: [{ pool: 'lan' }] },
  },
  {
    alert: 'MetalLBAddressPoolExhausted',
    name: 'two installations have pools of one name',
    series: {
      'metallb_allocator_addresses_in_use_total{namespace="a",pool="lan"}': '8x4',
      'metallb_allocator_addresses_total{namespace="a",pool="lan"}': '8x4',
      'metallb_allocator_addresses_in_use_total{namespace="b",pool="lan"}': '1x4',
      'metallb_allocator_addresses_total{namespace="b",pool="lan"}': '8x4',
    },
    silentAt: [0],
    firesAt: { 2: [{ namespace: 'a', pool: 'lan' }] },
  },
  usage(75, '75x4 76x4 60x4'),
  usage(85, '85x4 86x4 60x4'),
  usage(95, '95x4 96x4 60x4'),
  {
    alert: 'MetalLBBGPSessionDown',
    name: 'a session is down for more than a minute',
    series: { [`metallb_bgp_session_up{${SPEAKER},peer="192.0.2.254:179",vrf=""}`]: '1x2 0x4 1x4' },
    silentAt: [2, 3, 8],
    firesAt: { 4: [{ peer: '192.0.2.254:179' }], 7: [{ peer: '192.0.2.254:179' }] },
  },
  {
    alert: 'InvarBGPSessionFlapping',
    name: 'a session begins again and again between two scrapes, then stays',
    series: {
      [`metallb_bgp_opens_received{${SPEAKER},peer="192.0.2.254:179",vrf=""}`]: '1x10 2+1x8 10x40',
      // A speaker that was upgraded begins anew.
      [`metallb_bgp_opens_received{${SPEAKER},peer="192.0.2.253:179",vrf=""}`]: '3x10 1x50',
    },
    silentAt: [10, 12, 40],
    firesAt: { 20: [{ peer: '192.0.2.254:179' }] },
  },
  {
    alert: 'InvarControllerWithoutLeader',
    name: 'nobody leads among two replicas',
    series: {
      'invar_controller_leader{namespace="metallb-system",pod="controller-1"}': '1x2 0x5 0x5',
      'invar_controller_leader{namespace="metallb-system",pod="controller-2"}': '0x2 0x5 1x5',
    },
    silentAt: [2, 4, 9],
    firesAt: { 5: [{ namespace: 'metallb-system' }], 8: [{ namespace: 'metallb-system' }] },
  },
  {
    alert: 'InvarControllerWithoutLeader',
    name: 'no controller is scraped at all',
    series: { [`invar_controller_leader{${CONTROLLER}}`]: '1x2 stale _x6 1x4' },
    silentAt: [2, 4, 10],
    firesAt: { 5: [{}], 9: [{}] },
  },
  {
    alert: 'InvarSpeakerDown',
    name: 'a speaker is not scraped for two minutes; another program beside it is not ours',
    series: {
      'up{namespace="metallb-system",container="speaker",pod="speaker-1"}': '1x2 0x5 1x4',
      'up{namespace="metallb-system",container="sidecar",pod="speaker-1"}': '0x12',
      'up{namespace="other",container="speaker",pod="of-somebody-else"}': '0x12',
    },
    silentAt: [2, 4, 9],
    firesAt: { 5: [{ pod: 'speaker-1' }], 8: [{ pod: 'speaker-1' }] },
  },
  {
    alert: 'InvarServiceNotAnnounced',
    name: 'no speaker knows of an announcement; where one does, others may not',
    series: {
      'invar_speaker_unannounced_services{namespace="metallb-system",pod="speaker-1"}': '0x2 2x8 2x5',
      'invar_speaker_unannounced_services{namespace="metallb-system",pod="speaker-2"}': '1x2 1x8 0x5',
    },
    silentAt: [2, 7, 12],
    firesAt: { 8: [{ namespace: 'metallb-system' }], 11: [{ namespace: 'metallb-system' }] },
  },
  {
    alert: 'InvarAddressConflict',
    name: 'a stranger has an address of ours, and gives it up',
    series: {
      [`invar_layer2_address_conflict{${SPEAKER},ip="192.0.2.1",mac="02:00:00:00:00:09",interface="eth0",reason="ForeignClaim"}`]:
        '_x2 1x4 stale',
    },
    silentAt: [1, 8],
    firesAt: { 3: [{ ip: '192.0.2.1', mac: '02:00:00:00:00:09' }] },
  },
  {
    alert: 'InvarWebhookCertificateExpiring',
    name: 'thirteen days are left for an hour, then it is renewed; a replica without one is another matter',
    series: {
      // promtool's time begins at 0.
      [`invar_webhook_certificate_not_after_seconds{${CONTROLLER}}`]: `${13 * 86_400}x70 ${365 * 86_400}x10`,
      'invar_webhook_certificate_not_after_seconds{namespace="metallb-system",pod="controller-2"}': '0x80',
    },
    silentAt: [30, 72],
    firesAt: { 65: [{ pod: 'controller-1' }] },
  },
]
