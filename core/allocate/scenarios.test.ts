import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allocationWorld } from '../../testkit/allocation-world.ts'
import type { Ledger } from './ledger.ts'
import { DEFAULT_REQUEST_OPTIONS, type RequestOptions } from './request.ts'

/**
 * The scenario table of the allocation specification, row by row. The script language is explained in
 * testkit/allocation-world.ts; after every line everything is decided once more, and nothing may change.
 */
interface Scenario {
  readonly row: number
  readonly about: string
  readonly script: string
  readonly options?: Partial<RequestOptions>
}

const FOUR = `
  pool P = 192.0.2.0/30
  svc a; svc b; svc c; svc d`
const REQUESTED = `
  pool P = 192.0.2.0/29
  svc a [req=192.0.2.3]
  svc b`
const SPEC_IP = `
  pool P = 192.0.2.0/29
  svc a [spec-ip=192.0.2.4]`
const TWO_POOLS = `
  pool P = 192.0.2.0/30; pool Q = 198.51.100.0/30
  svc a [inpool=Q]; svc b [inpool=R]`
const SHARED = `
  pool P = /30
  svc a [k=x TCP/80]; svc b [k=x TCP/443]`
const LOCAL_SHARED = `
  pool P = 192.0.2.0/29
  svc a [k=x Local selector=app=w TCP/80]; svc b [k=x Local selector=app=w TCP/81]`
const JOIN_OR_LOWER = `
  pool P = 192.0.2.0/29
  svc a [k=x req=192.0.2.2 TCP/80]
  svc b [k=x TCP/81]`
const TEAM = `
  pool P = 192.0.2.0/30; pool T = 198.51.100.0/31 [namespaces team]
  svc a [ns=team]; svc b`
const TIER = `
  pool P = 192.0.2.0/29; pool S = 198.51.100.0/30 [serviceSelectors tier=db]
  svc a [labels=tier=db]; svc b`
const PROD = `
  pool P = 192.0.2.0/29; pool N = 198.51.100.0/30 [namespaceSelectors env=prod]
  svc a [ns=ns1]
  label namespace ns1 [env=prod]
  svc b [ns=ns1]`
const M = 'pool M = 192.0.2.0/30, 2001:db8::/126'
const M2 = 'pool M2 = 198.51.100.0/30, 2001:db8:1::/126'
const SEPARATE = 'pool P4 = 192.0.2.0/30; pool P6 = 2001:db8::/126'

const scenarios: readonly Scenario[] = [
  {
    row: 1,
    about: 'every address is given, the lowest first',
    script: `${FOUR}
      => a .0 in P, b .1 in P, c .2 in P, d .3 in P; writes 4
      => events a IPAllocated; events b IPAllocated; events c IPAllocated; events d IPAllocated`,
  },
  {
    row: 2,
    about: 'a full pool: the fifth waits, nothing else changes',
    script: `${FOUR}
      svc e
      => e -; events e AllocationFailed; writes 0; a .0, b .1, c .2, d .3; says e pool "P" has no IPv4 address left`,
  },
  {
    row: 3,
    about: 'a freed address goes to the one that waits, untouched',
    script: `${FOUR}
      svc e
      delete b
      => e .1 in P; events e IPAllocated; writes 1`,
  },
  {
    row: 4,
    about: 'a Service that becomes ClusterIP gives its address back',
    script: `${FOUR}
      svc e
      edit c [type=ClusterIP]
      => c -, e .2`,
  },
  {
    row: 5,
    about: 'entries are used in listed order',
    script: `
      pool P = 192.0.2.8/31, 192.0.2.0/31
      svc a; svc b; svc c
      => a .8, b .9, c .0`,
  },
  {
    row: 6,
    about: 'a range from its lowest address up',
    script: `
      pool P = 192.0.2.5-192.0.2.7
      svc a; svc b; svc c
      => a .5, b .6, c .7`,
  },
  {
    row: 7,
    about: 'avoidBuggyIPs leaves out .255 and .0',
    script: `
      pool P = 192.0.2.254-192.0.3.1 [avoidBuggyIPs]
      svc a; svc b; svc c
      => a 192.0.2.254, b 192.0.3.1, c -; used P 2; usable P 2`,
  },
  {
    row: 8,
    about: 'a requested address; the next one gets the lowest; deciding again writes nothing',
    script: `${REQUESTED}
      => a .3, b .0
      touch a; touch b
      => writes 0; events a none; events b none`,
  },
  {
    row: 9,
    about: 'a requested address that is taken is not replaced by another',
    script: `${REQUESTED}
      svc c [req=192.0.2.3]
      => c -; events c AllocationFailed; says c held by Service default/a
      edit c [req=]
      => c .1`,
  },
  { row: 10, about: 'spec.loadBalancerIP', script: `${SPEC_IP}\n=> a .4` },
  {
    row: 11,
    about: 'both forms of request: what is held stays',
    script: `${SPEC_IP}
      edit a [req=192.0.2.5]
      => a .4 in P; events a LoadBalancerFailed; writes 0
      touch a
      => events a none`,
  },
  {
    row: 12,
    about: 'both forms of request from the start',
    script: `
      pool P = 192.0.2.0/29
      svc a [spec-ip=192.0.2.4 req=192.0.2.5]
      => a -; events a AllocationFailed`,
  },
  {
    row: 13,
    about: 'a later request moves the Service, and the cause is said',
    script: `
      pool P = /29
      svc a
      => a .0
      edit a [req=192.0.2.6]
      => a .6; events a ClearAssignment + IPAllocated
      svc b
      => b .0`,
  },
  {
    row: 14,
    about: 'asking for what one has',
    script: `
      pool P = /29
      svc a
      edit a [req=192.0.2.0]
      => a .0; events a none; writes 0`,
  },
  {
    row: 15,
    about: 'a request outside the pools is granted when a pool comes',
    script: `
      pool P = 192.0.2.0/30
      svc a [req=198.51.100.1]
      => a -; events a AllocationFailed; says a no pool contains 198.51.100.1
      pool Q = 198.51.100.0/30
      => a 198.51.100.1 in Q`,
  },
  {
    row: 16,
    about: 'two addresses of one family',
    script: `
      pool P = /29
      svc a [req=192.0.2.1,192.0.2.2]
      => a -; events a AllocationFailed`,
  },
  {
    row: 17,
    about: 'an unparsable request',
    script: `
      pool P = /29
      svc a [req=192.0.2.300]
      => a -; events a AllocationFailed; says a "192.0.2.300" is not an IP address`,
  },
  {
    row: 18,
    about: 'autoAssign false stops neither a request for an address nor one for the pool',
    script: `
      pool P = /30 [autoAssign false]
      svc a; svc b [req=192.0.2.2]; svc c [inpool=P]
      => a -, b .2, c .0`,
  },
  { row: 19, about: 'a requested pool; an unknown one', script: `${TWO_POOLS}\n=> a 198.51.100.0 in Q, b -` },
  {
    row: 20,
    about: 'the deprecated prefix',
    script: `${TWO_POOLS}
      svc c [old-inpool=Q]
      => c 198.51.100.1 in Q; events c IPAllocated + deprecatedAnnotation
      touch c
      => events c none`,
  },
  {
    row: 21,
    about: 'the stable prefix wins, even empty',
    script: `${TWO_POOLS}
      svc d [inpool="" old-inpool=Q]
      => d .0 in P`,
  },
  {
    row: 22,
    about: 'requested pool and address disagree',
    script: `${TWO_POOLS}
      svc e [inpool=P req=198.51.100.2]
      => e -; events e AllocationFailed`,
  },
  {
    row: 23,
    about: 'another pool is requested',
    script: `
      pool P = 192.0.2.0/30; pool Q = 198.51.100.0/30
      svc a
      => a .0 in P
      edit a [inpool=Q]
      => a 198.51.100.0 in Q; events a ClearAssignment + IPAllocated`,
  },
  {
    row: 24,
    about: 'another pool is requested and is full',
    script: `
      pool P = 192.0.2.0/30; pool Q = 198.51.100.0/32
      svc z [inpool=Q]; svc a
      edit a [inpool=Q]
      => a -; events a ClearAssignment + AllocationFailed
      delete z
      => a 198.51.100.0`,
  },
  { row: 25, about: 'two ports share an address', script: `${SHARED}\n=> a .0, b .0; used P 1` },
  { row: 26, about: 'a port that is taken', script: `${SHARED}\nsvc c [k=x TCP/443]\n=> c .1` },
  {
    row: 27,
    about: 'TCP and UDP of one number are different ports',
    script: `
      pool P = /29
      svc a [k=x TCP/53]; svc b [k=x UDP/53]
      => a .0, b .0`,
  },
  {
    row: 28,
    about: 'only equal keys share, and no key shares with nobody',
    script: `
      pool P = /29
      svc a [k=x TCP/80]; svc b [k=y TCP/81]; svc c [TCP/82]; svc d [k="" TCP/83]
      => a .0, b .1, c .2, d .3`,
  },
  {
    row: 29,
    about: 'Cluster and Local do not share',
    script: `
      pool P = /29
      svc a [k=x TCP/80]; svc b [k=x TCP/81 Local]
      => a .0, b .1`,
  },
  { row: 30, about: 'Local and Local with one selector', script: `${LOCAL_SHARED}\n=> a .0, b .0` },
  {
    row: 31,
    about: 'Local and Local with different selectors',
    script: `
      pool P = /29
      svc a [k=x Local TCP/80]; svc b [k=x Local TCP/81]
      => a .0, b .1`,
  },
  {
    row: 32,
    about: 'equal selectors in two namespaces mean different pods',
    script: `
      pool P = /29
      svc a [k=x Local selector=app=w TCP/80]; svc b [ns=other k=x Local selector=app=w TCP/81]
      => a .0, b .1`,
  },
  {
    row: 33,
    about: 'Cluster shares across namespaces',
    script: `
      pool P = /29
      svc a [ns=ns1 k=x TCP/80]; svc b [ns=ns2 k=x TCP/81]
      => a .0, b .0`,
  },
  {
    row: 34,
    about: 'who changes the key moves, and only he',
    script: `${SHARED}
      edit b [k=y]
      => a .0, b .1; events b ClearAssignment + IPAllocated; events a none`,
  },
  {
    row: 35,
    about: 'who is alone may change the key',
    script: `
      pool P = /29
      svc a [k=x]
      edit a [k=y]
      => a .0; events a none; writes 0`,
  },
  { row: 36, about: 'a port is added that is taken', script: `${SHARED}\nedit b [TCP/443 TCP/80]\n=> a .0, b .1` },
  {
    row: 37,
    about: 'one of two switches to Local',
    script: `${SHARED}
      edit b [Local]
      => a .0, b .1; events a none`,
  },
  {
    row: 38,
    about: 'the first of two sharers leaves: the address is still taken',
    script: `${SHARED}
      delete a
      svc c
      => b .0, c .1`,
  },
  { row: 39, about: 'both sharers leave', script: `${SHARED}\ndelete a, b\nsvc c\n=> c .0` },
  { row: 40, about: 'a lower free address wins over joining', script: `${JOIN_OR_LOWER}\n=> a .2, b .0` },
  {
    row: 41,
    about: 'joining by request',
    script: `${JOIN_OR_LOWER}
      svc c [k=x req=192.0.2.2 TCP/82]
      => c .2`,
  },
  {
    row: 42,
    about: 'nobody joins one that does not share',
    script: `
      pool P = /29
      svc a [req=192.0.2.2]
      svc b [k=x req=192.0.2.2 TCP/81]
      => b -`,
  },
  { row: 43, about: 'a pool for a namespace is preferred there', script: `${TEAM}\n=> a 198.51.100.0 in T, b .0 in P` },
  {
    row: 44,
    about: 'a full pinned pool: the general ones serve',
    script: `${TEAM}
      svc c [ns=team]; svc d [ns=team]
      => c 198.51.100.1 in T, d .1 in P`,
  },
  {
    row: 45,
    about: 'serviceAllocation stops requests of others',
    script: `${TEAM}
      svc c [inpool=T]; svc d [req=198.51.100.1]
      => c -, d -; says c does not serve namespace "default"; says d does not serve namespace "default"`,
  },
  {
    row: 46,
    about: 'priorities ascending, 0 last',
    script: `
      pool T1 = 192.0.2.1/32 [namespaces team priority 20]; pool T2 = 192.0.2.2/32 [namespaces team priority 10]; pool T3 = 192.0.2.3/32 [namespaces team priority 0]
      svc a [ns=team]; svc b [ns=team]; svc c [ns=team]
      => a .2 in T2, b .1 in T1, c .3 in T3`,
  },
  {
    row: 47,
    about: 'equal priorities: by name',
    script: `
      pool T2 = 192.0.2.2/32 [namespaces team priority 5]; pool T1 = 192.0.2.1/32 [namespaces team priority 5]
      svc a [ns=team]
      => a .1 in T1`,
  },
  {
    row: 48,
    about: 'general pools by name',
    script: `
      pool B = 192.0.2.0/30; pool A = 198.51.100.0/30
      svc a
      => a 198.51.100.0 in A`,
  },
  {
    row: 49,
    about: 'a pool with a priority only is pinned for everybody',
    script: `
      pool P = 192.0.2.0/30; pool S = 198.51.100.0/30 [priority 50]
      svc a
      => a 198.51.100.0 in S`,
  },
  { row: 50, about: 'a pool for labels', script: `${TIER}\n=> a 198.51.100.0 in S, b .0 in P` },
  {
    row: 51,
    about: 'the label goes, and so does the address',
    script: `${TIER}
      edit a [labels=]
      => a .1 in P; events a ClearAssignment + IPAllocated`,
  },
  {
    row: 52,
    about: 'namespace and labels must both match',
    script: `
      pool P = 192.0.2.0/30; pool S = 198.51.100.0/30 [namespaces team serviceSelectors tier=db]
      svc a [ns=team labels=tier=db]; svc b [ns=team]; svc c [labels=tier=db]
      => a 198.51.100.0 in S, b .0 in P, c .1 in P`,
  },
  { row: 53, about: 'a namespace gets the label', script: `${PROD}\n=> a .0 in P, b 198.51.100.0 in N` },
  {
    row: 54,
    about: 'a namespace loses the label',
    script: `${PROD}
      label namespace ns1 []
      => a .0 in P, b .1 in P; events b ClearAssignment + IPAllocated`,
  },
  {
    row: 55,
    about: 'a namespace selector that matches nothing admits no one',
    script: `
      pool N = 198.51.100.0/30 [namespaceSelectors env=none]
      svc a [req=198.51.100.1]
      => a -`,
  },
  { row: 56, about: 'an IPv6 Service in a mixed pool', script: `${M}\nsvc a [families=6]\n=> a 2001:db8::` },
  {
    row: 57,
    about: 'RequireDualStack gets both, IPv4 first',
    script: `${M}
      svc a [DS Require]
      => a 192.0.2.0+2001:db8:: in M; events a IPAllocated; writes 1
      touch a
      => writes 0; events a none`,
  },
  {
    row: 58,
    about: 'RequireDualStack never spans two pools',
    script: `${SEPARATE}
      svc a [DS Require]
      => a -
      ${M2}
      => a 198.51.100.0+2001:db8:1:: in M2`,
  },
  {
    row: 59,
    about: 'RequireDualStack with one cluster IP',
    script: `${M}
      svc a [DS Require clusterIPs=1]
      => a -; events a not enough clusterips
      touch a
      => events a none`,
  },
  {
    row: 60,
    about: 'PreferDualStack falls back to the primary family',
    script: `${SEPARATE}
      svc a [DS Prefer]; svc b [families=6,4 Prefer]
      => a .0 in P4, b 2001:db8:: in P6`,
  },
  {
    row: 61,
    about: 'the pool gains a family: PreferDualStack gets its second address',
    script: `
      pool P4 = 192.0.2.0/30
      svc a [DS Prefer]
      => a .0; events a IPAllocated + AdditionalAssignFailed
      pool P4 = 192.0.2.0/30, 2001:db8::/126
      => a .0+2001:db8::; events a IPAllocated; writes 1`,
  },
  {
    row: 62,
    about: 'a new mixed pool moves nobody',
    script: `
      pool P4 = 192.0.2.0/30
      svc a [DS Prefer]
      ${M2}
      => a .0 in P4; writes 0; events a none`,
  },
  {
    row: 63,
    about: 'the pool loses a family: both from another pool',
    script: `${M}; ${M2}
      svc a [DS Prefer]; svc b [DS Require]
      => a .0+2001:db8:: in M, b .1+2001:db8::1 in M
      pool M = 192.0.2.0/30
      => a 198.51.100.0+2001:db8:1:: in M2, b 198.51.100.1+2001:db8:1::1 in M2
      => events a ClearAssignment + IPAllocated; events b ClearAssignment + IPAllocated`,
  },
  {
    row: 64,
    about: 'the pool loses a family and there is no other: the valid address stays',
    script: `${M}
      svc x [DS Prefer]; svc a [DS Prefer]
      delete x
      pool M = 192.0.2.0/30
      => a .1 in M`,
  },
  {
    row: 65,
    about: 'RequireDualStack cannot fall back',
    script: `${M}
      svc a [DS Require]
      pool M = 192.0.2.0/30
      => a -; events a ClearAssignment + AllocationFailed`,
  },
  {
    row: 66,
    about: 'PreferDualStack with one cluster IP is settled at once',
    script: `${M}
      svc a [Prefer]
      => a .0; events a IPAllocated; writes 1
      touch a
      => writes 0; events a none`,
  },
  {
    row: 67,
    about: 'back to a single stack: exactly one address, the same',
    script: `${M}
      svc x [DS Prefer]; svc a [DS Prefer]
      delete x
      edit a [SingleStack families=4]
      => a .1 in M`,
  },
  {
    row: 68,
    about: 'a dual-stack Service must request both',
    script: `${M}
      svc a [DS Prefer req=192.0.2.1]
      => a -; events a AllocationFailed`,
  },
  {
    row: 69,
    about: 'both requested, in any order',
    script: `${M}
      svc a [DS Prefer req=2001:db8::2,192.0.2.1]
      => a .1+2001:db8::2; writes 1
      touch a
      => writes 0`,
  },
  {
    row: 70,
    about: 'the pool is deleted: all move to the other',
    script: `
      pool P = 192.0.2.0/29; pool Q = 198.51.100.0/29
      svc a, b
      => a .0 in P, b .1 in P
      delete pool P
      => a 198.51.100.0 in Q, b 198.51.100.1 in Q
      => events a ClearAssignment + IPAllocated; events b ClearAssignment + IPAllocated`,
  },
  {
    row: 71,
    about: 'the last pool is deleted and comes back',
    script: `
      pool P = 192.0.2.0/29
      svc a, b
      delete pool P
      => a -, b -
      pool P = 192.0.2.0/29
      => a .0, b .1`,
  },
  {
    row: 72,
    about: 'the pool is renamed in one step',
    script: `
      pool P = 192.0.2.0/29
      svc a, b
      delete pool P; pool R = 192.0.2.0/29
      => a .0 in R, b .1 in R; events a none; events b none`,
  },
  {
    row: 73,
    about: 'the pool shrinks',
    script: `
      pool P = 192.0.2.0/29
      svc a, b, c, d, e, f, g, h
      => h .7
      pool P = /30
      => a .0, b .1, c .2, d .3, e -, f -, g -, h -; writes 4; events a none; events e ClearAssignment + AllocationFailed`,
  },
  {
    row: 74,
    about: 'avoidBuggyIPs is switched on',
    script: `
      pool P = 192.0.2.0/29
      svc a, b
      pool P = 192.0.2.0/29 [avoidBuggyIPs]
      => a .2, b .1; events a ClearAssignment + IPAllocated; events b none`,
  },
  {
    row: 75,
    about: 'autoAssign false moves nobody',
    script: `
      pool P = 192.0.2.0/29
      svc a
      pool P = 192.0.2.0/29 [autoAssign false]
      svc b
      => a .0, b -`,
  },
  {
    row: 76,
    about: 'restart: what is held comes first',
    script: `
      pool P = 192.0.2.0/29
      svc a [req=192.0.2.5]
      edit a [req=]
      => a .5
      svc b; status b = -; restart
      => a .5, b .0; events a none`,
  },
  {
    row: 77,
    about: 'restart: two claim one address, the older keeps it',
    script: `
      pool P = 192.0.2.0/29
      svc a; svc b
      status b = .1; status a = .1; restart
      => a .1, b .0; events a none; events b ClearAssignment + IPAllocated`,
  },
  {
    row: 78,
    about: 'restart: an address outside all pools',
    script: `
      pool P = 192.0.2.0/29
      svc a
      status a = 203.0.113.9; restart
      => a .0; events a ClearAssignment + IPAllocated`,
  },
  {
    row: 79,
    about: 'restart with a broken pool: everything holds still',
    script: `
      pool P = 192.0.2.0/29
      svc a
      pool P = 192.0.2.0/29 [broken]; restart
      => a .0; writes 0
      svc b
      => b -; says b gives out nothing new until it is repaired
      pool P = 192.0.2.0/29
      => a .0, b .1; events a none`,
  },
  {
    row: 80,
    about: 'an overlapping pool is added: the older keeps serving',
    script: `
      pool P = 192.0.2.0/29
      svc a
      pool X = 192.0.2.0/28 [broken]
      svc b
      => a .0 in P, b .1 in P
      restart
      => a .0 in P, b .1 in P; writes 0`,
  },
  {
    row: 81,
    about: 'another class is not touched',
    script: `
      pool P = 192.0.2.0/29
      svc a [class=foo]; status a = 203.0.113.9
      => a 203.0.113.9; writes 0; events a none
      restart
      => a 203.0.113.9; writes 0`,
  },
  {
    row: 82,
    about: 'the class is wiped with the type: the address is released',
    options: { loadBalancerClass: 'foo' },
    script: `
      pool P = 192.0.2.0/29
      svc a [class=foo]
      => a .0
      edit a [type=ClusterIP class=]
      => a -; used P 0`,
  },
  {
    row: 83,
    about: 'with a class set, those without are not touched',
    options: { loadBalancerClass: 'foo' },
    script: `
      pool P = 192.0.2.0/29
      svc a
      => a -; writes 0; events a none`,
  },
  {
    row: 84,
    about: 'a hostname in the status is overwritten, and said',
    script: `
      pool P = 192.0.2.0/29
      svc x; svc a
      delete x
      status a = lb.example.com
      => a .1; events a IPAllocated; writes 1`,
  },
  {
    row: 85,
    about: 'an IPv6 pool of 2^64 addresses does not overflow',
    script: `
      pool P = 2001:db8::/64
      svc a [families=6]; svc b [families=6]
      => usable P 9223372036854775807; used P 2; a 2001:db8::, b 2001:db8::1`,
  },
  { row: 86, about: 'avoidBuggyIPs in the totals', script: 'pool P = 192.0.2.0/24 [avoidBuggyIPs]\n=> usable P 254' },
]

/** What the metrics of the pools are made of. */
function countersOf({ pools }: Ledger): readonly (readonly number[])[] {
  return [...pools.values()].map((pool) => [pool.inUse(4), pool.inUse(6), pool.services])
}

function shuffles(names: readonly string[], count: number): readonly (readonly string[])[] {
  const seed = Number(process.env.INVAR_SEED ?? 0)
  return fc.sample(fc.shuffledSubarray([...names], { minLength: names.length }), { numRuns: count, seed })
}

/** What the table leaves open, or what Invar has besides. */
const further: readonly Omit<Scenario, 'row'>[] = [
  {
    about: 'a status that is emptied gets its address back, though a lower one is free now',
    script: `
      pool P = 192.0.2.0/29
      svc x; svc a
      delete x
      status a = -
      => a .1 in P; events a IPAllocated; writes 1`,
  },
  {
    about: 'a status that is emptied gets its address back, though a better pool has room now',
    script: `
      pool P = 192.0.2.0/32; pool Q = 198.51.100.0/30
      svc x; svc a
      => a 198.51.100.0 in Q
      delete x
      status a = -
      => a 198.51.100.0 in Q`,
  },
  {
    about: 'a hostname beside the address is removed, and said',
    script: `
      pool P = 192.0.2.0/29
      svc a
      status a = .0, lb.example.com
      => a .0; events a IPAllocated; writes 1`,
  },
  {
    about: 'a status with two addresses of one family is put right',
    script: `
      pool P = 192.0.2.0/29
      svc a
      status a = .3, .4
      => a .0; events a nolbIPsIPFamily + IPAllocated`,
  },
  {
    about:
      'the only address of a dual-stack Service that became single-stack is kept, though a better pool has room now',
    script: `
      ${M}
      svc a [DS Prefer]
      => a .0+2001:db8::
      pool A = 198.51.100.0/30 [priority 1]
      edit a [SingleStack families=4]
      => a .0 in M`,
  },
  {
    about: 'a single-stack Service that becomes dual-stack keeps its address',
    script: `
      ${M}
      svc x; svc a
      delete x
      edit a [DS Require]
      => a .1+2001:db8:: in M; events a ClearAssignment + IPAllocated`,
  },
  {
    about: 'one that prefers two families gets the second when its second cluster IP appears',
    script: `
      ${M}
      svc a [Prefer]
      => a .0
      edit a [DS]
      => a .0+2001:db8::; events a IPAllocated`,
  },
  {
    about: 'one that prefers two families gets the second when it is freed',
    script: `
      pool M = 192.0.2.0/30, 2001:db8::/128
      svc x [families=6]; svc a [DS Prefer]
      => x 2001:db8::, a .0; waiting 1
      delete x
      => a .0+2001:db8::; waiting 0`,
  },
  {
    about: 'a request that could never be granted takes nothing away',
    script: `
      pool P = 192.0.2.0/29
      svc a
      edit a [req=192.0.2.300]
      => a .0; events a LoadBalancerFailed
      edit a [req=192.0.2.3,2001:db8::1]
      => a .0; events a LoadBalancerFailed
      edit a [req=]
      => a .0; events a none; writes 0`,
  },
  {
    about: 'the pool of a Service whose request cannot be granted is renamed: the annotation follows (it stayed)',
    script: `
      pool P = 192.0.2.0/29
      svc a
      edit a [req=192.0.2.300]
      delete pool P; pool R = 192.0.2.0/29
      => a .0 in R; writes 1`,
  },
  {
    about: 'holders that must move come before those that wait, whatever their age',
    script: `
      pool P = 192.0.2.0/32
      svc b [k=x TCP/80]; svc old [TCP/80]; svc new [k=x TCP/81]
      => b .0, old -, new .0
      pool Q = 198.51.100.0/32; pool P = 203.0.113.0/32
      => b 203.0.113.0 in P, new 203.0.113.0 in P, old 198.51.100.0 in Q`,
  },
  {
    about: 'what one sharer gives up another can take',
    script: `
      pool P = 192.0.2.0/32
      svc a [k=x TCP/80]; svc b [k=x TCP/81]; svc c [k=x TCP/80]
      => c -; waiting 1; says c no IPv4 address left
      edit a [TCP/82]
      => a .0, c .0; waiting 0`,
  },
  {
    about: 'one that waits for an address is told when another takes it',
    script: `
      pool P = 192.0.2.0/29
      svc a [req=192.0.2.3]
      svc b [req=192.0.2.3]
      svc c [req=192.0.2.3]
      delete a
      => b .3, c -; events c AllocationFailed; says c held by Service default/b`,
  },
  {
    about: 'one of three sharers leaves: its port is free there',
    script: `
      pool P = /30
      svc a [k=x TCP/80]; svc b [k=x TCP/81]; svc c [k=x TCP/82]
      => a .0, b .0, c .0
      delete a
      svc d [k=x TCP/80]
      => d .0`,
  },
  {
    about: 'the order of the entries decides which shared address is joined, and whether one is',
    script: `
      pool P = 192.0.2.8/32, 192.0.2.0/31
      svc a [k=x TCP/80]; svc b [k=x TCP/80]; svc c [k=x TCP/81]
      => a .8, b .0, c .8
      delete a, c
      svc d [k=x TCP/81]
      => b .0, d .8`,
  },
  {
    about: 'an address that sharers left is not joined when another has it alone',
    script: `
      pool P = /29
      svc a [k=x TCP/80]; svc c [k=x TCP/81]; svc e [k=x TCP/80 req=192.0.2.5]
      => a .0, c .0, e .5
      delete a, c
      svc b
      svc d [k=x TCP/81]
      => b .0, d .1`,
  },
  {
    about: 'one that falls back to a single address stays with its own, though a better pool has another',
    script: `
      ${M}
      svc a [DS Prefer]
      pool M = 192.0.2.0/30; pool A = 198.51.100.0/30 [priority 1]
      => a .0 in M`,
  },
  {
    about: 'sharing can be kept inside the namespace',
    options: { sharingStaysInNamespace: true },
    script: `
      pool P = /29
      svc a [ns=ns1 k=x TCP/80]; svc b [ns=ns2 k=x TCP/81]; svc c [ns=ns1 k=x TCP/82]
      => a .0, b .1, c .0`,
  },
  {
    about: 'a freed address rests before another Service has it, never used ones come first',
    script: `
      pool P = /31 [reuseAfter 60s]
      svc a; svc b
      delete a
      svc c; svc d
      => c -, d -; waiting 2; says c still rest
      wait 59s
      => c -
      wait 1s
      => c .0, d -`,
  },
  {
    about: 'of addresses that have rested, the least recently used is given',
    script: `
      pool P = /30 [reuseAfter 10s]
      svc a, b, c, d
      delete c
      wait 1s
      delete a
      wait 20s
      svc e
      => e .2`,
  },
  {
    about: 'a resting address can be requested when it has rested',
    script: `
      pool P = /30 [reuseAfter 60s]
      svc a
      delete a
      svc b [req=192.0.2.0]
      => b -; says b still rests
      wait 60s
      => b .0`,
  },
  {
    about: 'resting goes on over a change of the pool, and ends where the pool no longer asks for it',
    script: `
      pool P = /32 [reuseAfter 60s]
      svc a
      delete a
      pool P = /31 [reuseAfter 60s]
      svc b
      => b .1
      pool P = /31
      svc c
      => c .0`,
  },
  {
    about: 'who gave a resting address up may have it back at once',
    script: `
      pool P = /32 [reuseAfter 60s]
      svc a
      edit a [type=ClusterIP]
      => a -
      edit a [type=LoadBalancer]
      => a .0`,
  },
  {
    about: 'a quarantined address is not given even when it has rested',
    script: `
      pool P = /32 [reuseAfter 60s]
      svc a
      delete a
      quarantine .0
      svc b
      wait 60s
      => b -
      end quarantine .0
      => b .0`,
  },
  {
    about: 'a quarantined address is given to nobody, and taken from nobody',
    script: `
      pool P = /30
      svc a [k=x TCP/80]
      quarantine .0; quarantine .1
      svc b; svc c [k=x TCP/81]; svc d [req=192.0.2.1]
      => a .0, b .2, c .3, d -; says d used by somebody else
      delete a
      svc e
      => e -
      end quarantine .1; end quarantine .0
      => d .1, e .0`,
  },
  {
    about: 'a Service that nobody reached yet leaves an address that is used by others',
    script: `
      pool P = /30
      svc a
      quarantine .0 unusable
      => a .1 in P; events a ClearAssignment+IPAllocated; used P 1
      svc b
      => b .2`,
  },
  {
    about: 'whoever has been reached keeps the address, whoever else uses it, and says so once',
    script: `
      pool P = /30
      svc a; served a
      quarantine .0 unusable
      => a .0; events a AddressConflict; writes 0; says a it is kept
      touch a
      => a .0; events a none
      end quarantine .0
      => a .0; events a none; says a Assigned 192.0.2.0 from pool "P"`,
  },
  {
    about: 'after a restart everybody counts as reached',
    script: `
      pool P = /30
      svc a
      restart
      quarantine .0 unusable
      => a .0`,
  },
  {
    about: 'an address that was announced is kept, though others use it too',
    script: `
      pool P = /30
      svc a
      quarantine .0
      => a .0; events a AddressConflict`,
  },
  {
    about: 'who asked for that very address keeps it; who asked for the pool stays in it',
    script: `
      pool P = /30; pool Q = 198.51.100.0/31
      svc a [req=192.0.2.1]; svc b [inpool=Q]
      quarantine .1 unusable
      => a .1; events a AddressConflict
      quarantine 198.51.100.0 unusable
      => b 198.51.100.1 in Q`,
  },
  {
    about: 'where there is no other address the Service keeps the one it has, and leaves when one is freed',
    script: `
      pool P = /31
      svc a, b
      served b
      quarantine .0 unusable
      => a .0; events a AddressConflict; waiting 1
      delete b
      => a .1; events a ClearAssignment+IPAllocated; waiting 0`,
  },
  {
    about: 'of two families only the address that is used by others is replaced',
    script: `
      pool M = 192.0.2.0/30, 2001:db8::/126
      svc a [DS Require]
      quarantine 2001:db8:: unusable
      => a .0+2001:db8::1`,
  },
  {
    about: 'a station that answers for every address drives a Service on three times, not through the pool',
    script: `
      pool P = /28
      svc a
      quarantine .0 unusable
      quarantine .1 unusable
      quarantine .2 unusable
      => a .3
      quarantine .3 unusable
      => a .3; events a AddressConflict; waiting 0`,
  },
  {
    about: 'a Service that is deleted and held back keeps its address until it is gone, and gets nothing new',
    script: `
      pool P = /31
      svc a, b, c
      edit a [deleting]; edit c [deleting]
      => a .0; writes 0; waiting 0
      svc d
      => d -
      delete b
      => c -, d .1
      delete a
      => c -; used P 1`,
  },
  {
    about: 'a deleted Service that is no load balancer any more gives its address back at once',
    script: `
      pool P = /32
      svc a, b
      edit a [deleting]
      edit a [type=ClusterIP]
      => a -, b .0`,
  },
  {
    about: 'of those that wait the oldest gets what is freed, whoever began to wait first',
    script: `
      pool P = /32
      svc z, a, b
      edit a [type=ClusterIP]
      edit a [type=LoadBalancer]
      delete z
      => a .0, b -`,
  },
  {
    about: 'a pool that is broken gives no second family either',
    script: `
      pool P4 = 192.0.2.0/30
      svc a [DS Prefer]
      pool P4 = 192.0.2.0/30, 2001:db8::/126 [broken]
      => a .0; writes 0
      pool P4 = 192.0.2.0/30, 2001:db8::/126
      => a .0+2001:db8::`,
  },
  {
    about: 'a class that changes with the address still in the status: it is given back',
    script: `
      pool P = 192.0.2.0/29
      svc a
      edit a [class=foo]
      => a -; used P 0
      svc b
      => b .0`,
  },
  {
    about: 'an IPv6 address far beyond 2^53 is requested, kept and freed',
    script: `
      pool P = 2001:db8::/64
      svc a [families=6 req=2001:db8::ffff:ffff:ffff:ffff]
      => a 2001:db8::ffff:ffff:ffff:ffff; used P 1
      svc b [families=6 req=2001:db8::ffff:ffff:ffff:ffff]; svc c [families=6]
      => b -, c 2001:db8::
      delete a
      => b 2001:db8::ffff:ffff:ffff:ffff`,
  },
]

for (const { about, script, options } of further) {
  test(about, () => allocationWorld({ ...DEFAULT_REQUEST_OPTIONS, ...options }).run(script))
}

for (const { row, about, script, options } of scenarios) {
  test(`row ${row}: ${about}`, () => {
    allocationWorld({ ...DEFAULT_REQUEST_OPTIONS, ...options }).run(script)
  })
}

test('row 87: deciding everything 100 times in random order changes nothing', () => {
  for (const { script, options } of scenarios) {
    const world = allocationWorld({ ...DEFAULT_REQUEST_OPTIONS, ...options })
    world.run(script)
    const counters = countersOf(world.ledger)
    for (const order of shuffles(world.serviceNames, 100)) {
      assert.deepEqual(world.pass(order), { writes: 0, events: 0 })
    }
    assert.deepEqual(countersOf(world.ledger), counters)
  }
})
