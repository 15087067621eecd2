/** The dashboard for Grafana: what it shows, as data. `node build/chart.ts` writes it into the chart. */

type Unit = 'short' | 'percentunit' | 's' | 'd' | 'bytes' | 'reqps' | 'none'
type Kind = 'stat' | 'timeseries' | 'table' | 'bargauge' | 'state-timeline'

export interface Panel {
  readonly title: string
  readonly kind: Kind
  /** In a grid of 24 columns. */
  readonly width: number
  readonly unit: Unit
  readonly description: string
  /** Expression → legend, with the labels of a series in double braces. */
  readonly shows: Readonly<Record<string, string>>
  /** From which value on it is red, or up to which with `isBadBelow`; absent = never. */
  readonly badFrom?: number
  readonly isBadBelow?: true
}

export interface Row {
  readonly title: string
  readonly height: number
  readonly panels: readonly Panel[]
}

/** Filled in by the variables at the top of the dashboard. */
const IN = 'namespace="$namespace"'

export const ROWS: readonly Row[] = [
  {
    title: 'At a glance',
    height: 4,
    panels: [
      stat(
        'Services with an address',
        `sum(metallb_allocator_services_allocated_total{${IN}})`,
        'As the leading controller counts them.',
      ),
      stat(
        'Fullest pool',
        `max(metallb_allocator_addresses_in_use_total{${IN}} / (metallb_allocator_addresses_total{${IN}} > 0))`,
        'Part of its addresses in use.',
        { unit: 'percentunit', badFrom: 0.95 },
      ),
      stat(
        'Not announced',
        `min(invar_speaker_unannounced_services{${IN}})`,
        'Services with an address and Pods that no node announces: invarctl explain says why.',
        { badFrom: 1 },
      ),
      stat(
        'Addresses in conflict',
        `count(invar_layer2_address_conflict{${IN}} == 1) or vector(0)`,
        'Other stations use them too.',
        { badFrom: 1 },
      ),
      stat('BGP sessions down', `count(metallb_bgp_session_up{${IN}} == 0) or vector(0)`, 'invarctl peers says why.', {
        badFrom: 1,
      }),
      stat('Controllers that lead', `sum(invar_controller_leader{${IN}})`, 'One, or nobody gives out addresses.', {
        badFrom: 1,
        isBadBelow: true,
      }),
      stat('Speakers scraped', `count(up{${IN},container="speaker"} == 1)`, 'One a node.'),
      stat(
        'Configuration not in force',
        `sum(metallb_k8s_client_config_stale_bool{${IN}})`,
        'Programs that go on with an older form of some object: kubectl get configurationstates -A.',
        { badFrom: 1 },
      ),
    ],
  },
  {
    title: 'Pools',
    height: 8,
    panels: [
      {
        title: 'Part of each pool in use',
        kind: 'bargauge',
        width: 8,
        unit: 'percentunit',
        badFrom: 0.95,
        description: 'Distinct addresses in use by all there are.',
        shows: {
          [`metallb_allocator_addresses_in_use_total{${IN}} / (metallb_allocator_addresses_total{${IN}} > 0)`]:
            '{{pool}}',
        },
      },
      {
        title: 'Addresses in use',
        kind: 'timeseries',
        width: 8,
        unit: 'short',
        description: 'By family.',
        shows: {
          [`metallb_allocator_ipv4_addresses_in_use_total{${IN}}`]: '{{pool}} IPv4',
          [`metallb_allocator_ipv6_addresses_in_use_total{${IN}}`]: '{{pool}} IPv6',
        },
      },
      {
        title: 'Services and quarantined addresses',
        kind: 'timeseries',
        width: 8,
        unit: 'short',
        description: 'A quarantined address is used by somebody outside and given to no further Service.',
        shows: {
          [`metallb_allocator_services_allocated_total{${IN}}`]: '{{pool}} Services',
          [`invar_controller_quarantined_addresses{${IN}}`]: '{{pool}} quarantined',
        },
      },
    ],
  },
  {
    title: 'Controller',
    height: 8,
    panels: [
      {
        title: 'From a change to its status',
        kind: 'timeseries',
        width: 8,
        unit: 's',
        description: 'How long a Service waits, and how long the decision takes with its write.',
        shows: {
          [quantile(0.99, 'invar_reconcile_queue_seconds')]: 'waits, 99 %',
          [quantile(0.5, 'invar_reconcile_duration_seconds')]: 'takes, 50 %',
          [quantile(0.99, 'invar_reconcile_duration_seconds')]: 'takes, 99 %',
        },
      },
      {
        title: 'Services that wait',
        kind: 'timeseries',
        width: 8,
        unit: 'short',
        description: 'To be looked at, and, once deleted, for speakers to cease to announce them.',
        shows: {
          [`invar_controller_queue_depth{${IN}}`]: '{{pod}} to be looked at',
          [`invar_controller_departing_services{${IN}}`]: '{{pod}} for speakers',
        },
      },
      {
        title: 'Admission',
        kind: 'timeseries',
        width: 4,
        unit: 'reqps',
        description: 'Reviews of the webhook by its answer.',
        shows: { [`sum by (answer) (rate(invar_webhook_reviews_total{${IN}}[$__rate_interval]))`]: '{{answer}}' },
      },
      {
        title: 'Webhook certificate',
        kind: 'stat',
        width: 4,
        unit: 'd',
        badFrom: 14,
        isBadBelow: true,
        description: 'Days until it expires; it is renewed 90 days before.',
        shows: { [`min((invar_webhook_certificate_not_after_seconds{${IN}} > 0) - time()) / 86400`]: 'days left' },
      },
    ],
  },
  {
    title: 'Layer 2',
    height: 8,
    panels: [
      {
        title: 'Addresses by node',
        kind: 'timeseries',
        width: 8,
        unit: 'short',
        description: 'Which node answers for how many.',
        shows: { [`count by (node) (metallb_speaker_announced{${IN},protocol="layer2"} == 1)`]: '{{node}}' },
      },
      {
        title: 'Questions, answers, announcements',
        kind: 'timeseries',
        width: 8,
        unit: 'reqps',
        description: 'ARP and NDP, all addresses together.',
        shows: {
          [rateOf('metallb_layer2_requests_received')]: 'asked',
          [rateOf('metallb_layer2_responses_sent')]: 'answered',
          [rateOf('metallb_layer2_gratuitous_sent')]: 'announced',
        },
      },
      {
        title: 'Conflicts',
        kind: 'table',
        width: 8,
        unit: 'none',
        description: 'Stations that use an address of ours.',
        shows: { [`invar_layer2_address_conflict{${IN}} == 1`]: '{{ip}} {{mac}}' },
      },
      {
        title: 'Uplinks',
        kind: 'state-timeline',
        width: 12,
        unit: 'none',
        description: 'Targets of the gateway probe (--gateway-probe): 1 = answers.',
        shows: { [`invar_uplink_reachable{${IN}}`]: '{{pod}} {{interface}} {{target}}' },
      },
      {
        title: 'Ignored',
        kind: 'timeseries',
        width: 12,
        unit: 'reqps',
        description: 'Frames and datagrams that were not for us or not in order, by reason.',
        shows: { [`sum by (reason) (rate(invar_wire_ignored_total{${IN}}[$__rate_interval]))`]: '{{reason}}' },
      },
    ],
  },
  {
    title: 'BGP and BFD',
    height: 8,
    panels: [
      {
        title: 'Sessions',
        kind: 'state-timeline',
        width: 12,
        unit: 'none',
        description: '1 = established.',
        shows: { [`metallb_bgp_session_up{${IN}}`]: '{{pod}} {{peer}} {{vrf}}' },
      },
      {
        title: 'BFD',
        kind: 'state-timeline',
        width: 12,
        unit: 'none',
        description: '1 = up.',
        shows: { [`metallb_bfd_session_up{${IN}}`]: '{{pod}} {{peer}} {{vrf}}' },
      },
      {
        title: 'Prefixes',
        kind: 'timeseries',
        width: 8,
        unit: 'short',
        description: 'What peers have, and what they should have.',
        shows: {
          [`sum by (peer) (metallb_bgp_announced_prefixes_total{${IN}})`]: '{{peer}} has',
          [`sum by (peer) (metallb_bgp_pending_prefixes_total{${IN}})`]: '{{peer}} should have',
        },
      },
      {
        title: 'Messages',
        kind: 'timeseries',
        width: 8,
        unit: 'reqps',
        description: 'Of BGP, both ways.',
        shows: {
          [`sum by (peer) (rate(metallb_bgp_total_sent{${IN}}[$__rate_interval]))`]: '{{peer}} sent',
          [`sum by (peer) (rate(metallb_bgp_total_received{${IN}}[$__rate_interval]))`]: '{{peer}} received',
        },
      },
      {
        title: 'Sessions begun and BFD losses, in an hour',
        kind: 'timeseries',
        width: 8,
        unit: 'short',
        description: 'More than a few: something flaps.',
        shows: {
          [`sum by (peer) (increase(metallb_bgp_opens_received{${IN}}[1h]))`]: '{{peer}} begun',
          [`sum by (peer) (increase(metallb_bfd_session_down_events{${IN}}[1h]))`]: '{{peer}} lost by BFD',
        },
      },
    ],
  },
  {
    title: 'Programs',
    height: 8,
    panels: [
      {
        title: 'Processor',
        kind: 'timeseries',
        width: 6,
        unit: 'percentunit',
        description: 'Of one core.',
        shows: { [`rate(process_cpu_seconds_total{${IN}}[$__rate_interval])`]: '{{pod}}' },
      },
      {
        title: 'Memory',
        kind: 'timeseries',
        width: 6,
        unit: 'bytes',
        description: 'Resident.',
        shows: { [`process_resident_memory_bytes{${IN}}`]: '{{pod}}' },
      },
      {
        title: 'Requests to the API server',
        kind: 'timeseries',
        width: 6,
        unit: 'reqps',
        description: 'By verb and status.',
        shows: {
          [`sum by (verb, code) (rate(invar_api_request_duration_seconds_count{${IN}}[$__rate_interval]))`]:
            '{{verb}} {{code}}',
        },
      },
      {
        title: 'Changes seen, watches failed',
        kind: 'timeseries',
        width: 6,
        unit: 'reqps',
        description: 'Changes of objects, and lists and watches that failed.',
        shows: {
          [`sum(rate(metallb_k8s_client_updates_total{${IN}}[$__rate_interval]))`]: 'changes',
          [`sum(rate(metallb_k8s_client_update_errors_total{${IN}}[$__rate_interval]))`]: 'failures',
        },
      },
      {
        title: 'Versions',
        kind: 'table',
        width: 24,
        unit: 'none',
        description: 'How many programs run of each.',
        shows: { [`count by (version, node) (invar_build_info{${IN}})`]: '{{version}}' },
      },
    ],
  },
]

function stat(title: string, expression: string, description: string, more: Partial<Panel> = {}): Panel {
  return { title, kind: 'stat', width: 3, unit: 'short', description, shows: { [expression]: title }, ...more }
}

function quantile(part: number, histogram: string): string {
  return `histogram_quantile(${part}, sum by (le) (rate(${histogram}_bucket{${IN}}[$__rate_interval])))`
}

function rateOf(counter: string): string {
  return `sum(rate(${counter}{${IN}}[$__rate_interval]))`
}
