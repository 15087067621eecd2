/**
 * What the Operator class of @dot-i/k8s-operator needs of @kubernetes/client-node at run time, for bundles. It asks for
 * the whole package, which then keeps the models of every kind of Kubernetes in memory (19 MB of source, 46 MB of
 * resident memory, 0.3 s at the start); of these our program, whose requests are its own, never calls one. A bundler
 * resolves the package to this file where @dot-i/k8s-operator imports it, and so it does the models where KubeConfig
 * does; without a bundler nothing changes.
 */
export { KubeConfig } from '@kubernetes/client-node'

/** Made by the base class and never asked for anything. */
export class CoreV1Api {}

/** What KubeConfig makes that from. */
export class ServerConfiguration {}
export const createConfiguration = (): object => ({})
