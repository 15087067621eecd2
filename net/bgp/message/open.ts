/**
 * OPEN (RFC 4271 section 4.2): the first message each way.
 *
 *    +---------------+
 *    |    Version    |
 *    +---------------+---------------+
 *    |     My Autonomous System      |
 *    +-------------------------------+
 *    |           Hold Time           |
 *    +-------------------------------+-------------------------------+
 *    |                         BGP Identifier                        |
 *    +---------------+-----------------------------------------------+
 *    | Opt Parm Len  |  Optional Parameters (variable)
 *    +---------------+-----------------------------------------------+
 */
import { Reader, Writer } from '../../bytes/index.ts'
import { type Capability, decodeCapabilities, encodeCapability } from './capability.ts'

export const BGP_VERSION = 4
/** Stands in the two octets where the real number needs four (RFC 6793 section 9). */
export const AS_TRANS = 23_456
export const LARGEST_TWO_OCTET_ASN = 0xffff

export interface Open {
  readonly version: number
  /** The two-octet field: AS_TRANS when the number is above 65535. */
  readonly myAutonomousSystem: number
  readonly holdTimeSeconds: number
  /** Router id, as a number. */
  readonly identifier: number
  readonly capabilities: readonly Capability[]
  /** Optional parameters other than capabilities; a speaker that sends one wants it understood. */
  readonly otherParameters: readonly OptionalParameter[]
}

export interface OptionalParameter {
  readonly type: number
  readonly value: Uint8Array
}

const PARAMETERS_LENGTH_OFFSET = 9
const PARAMETER_CAPABILITIES = 2
/** RFC 9072 section 2: this length and this type together announce two-octet lengths. */
const EXTENDED = 255
const LONGEST_PLAIN_PARAMETERS = 254

/** Structure only: whether we agree is `negotiate`'s question. Another version's parameters are not read. */
export function decodeOpen(body: Uint8Array): Open {
  const reader = new Reader(body)
  const version = reader.u8()
  const fixed = {
    version,
    myAutonomousSystem: reader.u16(),
    holdTimeSeconds: reader.u16(),
    identifier: reader.u32(),
  }
  if (version !== BGP_VERSION) return { ...fixed, capabilities: [], otherParameters: [] }
  // The type octet that RFC 9072 section 2 looks at is the first one behind the length.
  const isExtended = body[PARAMETERS_LENGTH_OFFSET] === EXTENDED && body[PARAMETERS_LENGTH_OFFSET + 1] === EXTENDED
  return { ...fixed, ...decodeParameters(reader, isExtended) }
}

function decodeParameters(reader: Reader, isExtended: boolean): Pick<Open, 'capabilities' | 'otherParameters'> {
  const plainLength = reader.u8()
  if (isExtended) reader.u8()
  const parameters = reader.sub(isExtended ? reader.u16() : plainLength)
  reader.expectEnd('OPEN')
  const capabilities: Capability[] = []
  const otherParameters: OptionalParameter[] = []
  while (parameters.remaining > 0) {
    const type = parameters.u8()
    const value = parameters.sub(isExtended ? parameters.u16() : parameters.u8())
    if (type === PARAMETER_CAPABILITIES) capabilities.push(...decodeCapabilities(value))
    else otherParameters.push({ type, value: value.rest() })
  }
  return { capabilities, otherParameters }
}

/** All capabilities travel in one parameter; the RFC 9072 form is used only where the plain one cannot hold them. */
export function encodeOpen(open: Open): Uint8Array {
  const parameters = [...open.otherParameters]
  if (open.capabilities.length > 0) {
    const value = new Writer()
    for (const capability of open.capabilities) value.bytes(encodeCapability(capability))
    parameters.unshift({ type: PARAMETER_CAPABILITIES, value: value.finish() })
  }
  const writer = new Writer()
    .u8(open.version)
    .u16(open.myAutonomousSystem)
    .u16(open.holdTimeSeconds)
    .u32(open.identifier)
  const plainLength = parameters.reduce((sum, { value }) => sum + 2 + value.length, 0)
  const isExtended = plainLength > LONGEST_PLAIN_PARAMETERS
  if (isExtended)
    writer
      .u8(EXTENDED)
      .u8(EXTENDED)
      .u16(plainLength + parameters.length)
  else writer.u8(plainLength)
  for (const { type, value } of parameters) {
    writer.u8(type)
    if (isExtended) writer.u16(value.length)
    else writer.u8(value.length)
    writer.bytes(value)
  }
  return writer.finish()
}
