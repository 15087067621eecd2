import type { ApiError, ApiErrorKind } from '../operator/index.ts'

/** A command cannot do its work: one line that names what is in the way and the remedy. Ends the program with 2. */
export class CannotRun extends Error {
  /** @param obstacle what is in the way @param remedy what to do about it; neither with a full stop */
  constructor(obstacle: string, remedy: string, cause?: unknown) {
    super(`${obstacle}: ${remedy}`, cause === undefined ? undefined : { cause })
    this.name = 'CannotRun'
  }
}

const REMEDIES: Partial<Record<ApiErrorKind, string>> = {
  unavailable: 'is the cluster up, and are --kubeconfig and --context those that you mean?',
  timeout: 'is the cluster up, and are --kubeconfig and --context those that you mean?',
  unauthorized: 'log in again, or choose another --context',
  throttled: 'the API server is busy; try again in a while',
}

/** `server` is the URL of the API server. The error's own message begins with the request: `list services: …`. */
export function cannotAsk(server: string, error: ApiError): CannotRun {
  const told = saidBy(error)
  if (error.kind === 'forbidden') {
    const [verb, resource] = error.message.split(/[ :]/)
    return new CannotRun(
      `not allowed to ${verb} ${resource} (${told})`,
      `a role with the verb "${verb}" on ${resource} is missing`,
      error,
    )
  }
  // An absent object has the reason NotFound; of a resource that is not there the API server knows no reason.
  if (error.kind === 'not-found' && error.reason === undefined) {
    const crds = 'install the custom resource definitions, for example with kubectl apply --server-side -k crds'
    return new CannotRun(`the API server at ${server} does not know the resources of metallb.io`, crds, error)
  }
  const remedy = REMEDIES[error.kind] ?? 'INVAR_DEBUG=1 shows more'
  return new CannotRun(`the API server at ${server} gives no answer to use (${told})`, remedy, error)
}

/** In one line. */
function saidBy(error: ApiError): string {
  const cause = error.cause instanceof Error && !error.message.includes(error.cause.message) ? error.cause.message : ''
  return [error.message, cause]
    .filter((part) => part !== '')
    .join(': ')
    .replaceAll(/\s+/g, ' ')
}
