import { capacityOf, type PoolOccupancy, saturated } from '../allocate/index.ts'

/** Counters of one pool, for the status of the IPAddressPool and the metrics; none exceeds 2^63 - 1. */
export interface PoolCounters {
  /** Usable addresses. */
  readonly total: bigint
  readonly totalIPv4: bigint
  readonly totalIPv6: bigint
  /** Distinct addresses held. */
  readonly inUse: bigint
  readonly inUseIPv4: bigint
  readonly inUseIPv6: bigint
  /** Services that hold an address. */
  readonly services: bigint
}

export function poolCounters(occupancy: PoolOccupancy): PoolCounters {
  const [totalIPv4, totalIPv6] = [capacityOf(occupancy.pool, 4), capacityOf(occupancy.pool, 6)]
  const [inUseIPv4, inUseIPv6] = [BigInt(occupancy.inUse(4)), BigInt(occupancy.inUse(6))]
  return {
    total: saturated(totalIPv4 + totalIPv6),
    totalIPv4,
    totalIPv6,
    inUse: inUseIPv4 + inUseIPv6,
    inUseIPv4,
    inUseIPv6,
    services: BigInt(occupancy.services),
  }
}

/** `status` of an IPAddressPool as JSON gives it: int64 beyond 2^53 have lost their last digits. */
export interface PoolStatusShape {
  readonly assignedIPv4: number
  readonly assignedIPv6: number
  readonly availableIPv4: number
  readonly availableIPv6: number
}

type PoolStatusField = keyof PoolStatusShape

/** A JSON merge patch. The values survive `JSON.stringify` digit by digit, which a number of that size would not. */
export interface PoolStatusPatch {
  readonly status: Readonly<Record<PoolStatusField, unknown>>
}

/** What is to be written so that an IPAddressPool shows these counters; undefined = it does already. */
export function poolStatusPatch(
  shown: Partial<PoolStatusShape> | undefined,
  counters: PoolCounters,
): PoolStatusPatch | undefined {
  const wanted: Readonly<Record<PoolStatusField, bigint>> = {
    assignedIPv4: counters.inUseIPv4,
    assignedIPv6: counters.inUseIPv6,
    availableIPv4: free(counters.totalIPv4, counters.inUseIPv4),
    availableIPv6: free(counters.totalIPv6, counters.inUseIPv6),
  }
  const fields = Object.keys(wanted) as PoolStatusField[]
  if (fields.every((field) => shown?.[field] === Number(wanted[field]))) return undefined
  const { assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 } = wanted
  return {
    status: {
      assignedIPv4: int64(assignedIPv4),
      assignedIPv6: int64(assignedIPv6),
      availableIPv4: int64(availableIPv4),
      availableIPv6: int64(availableIPv6),
    },
  }
}

function free(total: bigint, inUse: bigint): bigint {
  return total > inUse ? total - inUse : 0n
}

/** ECMA-262 `JSON.rawJSON`, which the library types do not know yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

function int64(value: bigint): unknown {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : rawJSON(String(value))
}
