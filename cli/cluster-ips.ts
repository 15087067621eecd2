import { requestOf, type ServiceShape } from '../core/allocate/index.ts'
import type { Family } from '../net/ip/index.ts'

/** From the ranges for documentation: they stand for what the API server will give. */
const EXAMPLES: Readonly<Record<Family, string>> = { 4: '192.0.2.1', 6: '2001:db8::1' }

/**
 * A Service that no API server has seen has no cluster IPs, and without them it gets no address. Here it has those that
 * it is likely to get: of its `ipFamilies`, of both families where it requires them, of the families that it asks for
 * addresses of; else IPv4.
 */
export function withClusterIPs(service: ServiceShape): ServiceShape {
  const { spec = {} } = service
  if (spec.clusterIP || (spec.clusterIPs ?? []).length > 0) return service
  return { ...service, spec: { ...spec, clusterIPs: familiesOf(service).map((family) => EXAMPLES[family]) } }
}

function familiesOf(service: ServiceShape): readonly Family[] {
  const { ipFamilies = [], ipFamilyPolicy } = service.spec ?? {}
  if (ipFamilyPolicy === 'RequireDualStack') return [4, 6]
  if (ipFamilies.length > 0) return ipFamilies.map((name) => (name === 'IPv6' ? 6 : 4))
  const { requestedAddresses } = requestOf(service)
  return requestedAddresses.kind === 'addresses' ? requestedAddresses.addresses.map(({ family }) => family) : [4]
}
