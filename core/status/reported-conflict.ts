import { formatAddress, parseAddress } from '../../net/ip/index.ts'
import { ADDRESS_CONFLICT, type AddressConflict, CONFLICT_ANNOTATION } from './address-conflict.ts'
import type { Condition } from './condition.ts'

/** What this file reads of a ServiceL2Status, or of a ServiceBGPStatus, which has no conflicts. */
export interface ReportShape {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly status?: {
    readonly node?: string
    readonly conditions?: readonly Pick<Condition, 'type' | 'status' | 'reason' | 'message'>[]
  }
}

/** An address of ours that somebody outside uses, as it is read from a report. */
export interface ReportedConflict {
  /** Canonical text. */
  readonly address: string
  readonly reason: AddressConflict['reason']
  /** The speaker's sentence. */
  readonly because: string
}

/** Empty where there is none. What is no address is left out: anybody with the right may write such an object. */
export function conflictsIn({ metadata, status }: ReportShape): readonly ReportedConflict[] {
  const condition = conflictConditionOf(status)
  if (condition === undefined) return []
  // What a later version may write is taken for the lesser evil: the address is kept.
  const reason = condition.reason === 'AddressInUse' ? 'AddressInUse' : 'ForeignClaim'
  const texts = (metadata.annotations?.[CONFLICT_ANNOTATION] ?? '').split(',')
  return texts.flatMap((text) => {
    const address = parseAddress(text.trim())
    return address === undefined ? [] : { address: formatAddress(address), reason, because: condition.message }
  })
}

/** Whether the report says that the Service is not announced, because its address was found in use. */
export function isWithheld({ status }: ReportShape): boolean {
  return conflictConditionOf(status)?.reason === 'AddressInUse'
}

/** Whether people can have reached the Service: a report that was just created does not say so yet. */
export function isAnnounced(report: ReportShape): boolean {
  return report.status?.node !== undefined && !isWithheld(report)
}

function conflictConditionOf(status: ReportShape['status']) {
  return status?.conditions?.find(({ type, status: value }) => type === ADDRESS_CONFLICT && value === 'True')
}
