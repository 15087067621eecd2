/** What this folder reads of an EndpointSlice (discovery.k8s.io/v1). */
export interface EndpointSliceShape {
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[]
    readonly nodeName?: string
    readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean }
  }[]
}

/** Where a Service can be served. */
export interface ServingEndpoints {
  /** Some endpoint can serve, on whatever node, or on none that is known. */
  readonly anywhere: boolean
  /** Names of the nodes that host an endpoint that can serve. */
  readonly nodes: ReadonlySet<string>
}

/**
 * An endpoint can serve when Ready is unset or true, or Serving is true: so terminating ones that still serve count.
 * `slices` are all those of one Service.
 */
export function servingEndpoints(slices: Iterable<EndpointSliceShape>): ServingEndpoints {
  const nodes = new Set<string>()
  let anywhere = false
  for (const slice of slices) {
    for (const { addresses, nodeName, conditions } of slice.endpoints ?? []) {
      const canServe = conditions?.ready !== false || conditions.serving === true
      if (!canServe || (addresses ?? []).length === 0) continue
      anywhere = true
      if (nodeName !== undefined) nodes.add(nodeName)
    }
  }
  return { anywhere, nodes }
}

/** Where a Service can be served that has several slices, each known already. */
export function joinServing(all: readonly ServingEndpoints[]): ServingEndpoints {
  if (all.length === 1) return all[0]!
  const nodes = new Set(all.flatMap((one) => [...one.nodes]))
  return { anywhere: all.some(({ anywhere }) => anywhere), nodes }
}
