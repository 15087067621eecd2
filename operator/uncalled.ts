/**
 * What packages of ours import and we never make them call: undici, with which @kubernetes/client-node sends requests,
 * and gaxios, with which @dot-i/k8s-operator does (program.ts overrides those calls). A bundler resolves both to this
 * file: 1.3 MB of source and 10 MB of resident memory less a program. Whoever calls them after all is told so.
 */
class Uncalled {
  constructor() {
    throw new Error('the package that makes this request was left out of the bundle: use our own client')
  }
}

export class Agent extends Uncalled {}
export class ProxyAgent extends Uncalled {}

export const request = (): never => {
  throw new Uncalled()
}
export const fetch = request
export const instance = { request }
