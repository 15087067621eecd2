/** Programs that talk to a control plane as Pods do: with tokens of service accounts, which name Pod and node. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ControlPlane } from './controlplane.ts'

export interface PodIdentity {
  readonly namespace: string
  readonly serviceAccount: string
  readonly pod: string
  /** A Node of that name has to be there. */
  readonly node: string
  /** Of the Pod, where it belongs to something: `daemonset/speaker`. */
  readonly owner?: string
}

/** Makes the Pod, which nobody runs, and writes a kubeconfig with a token bound to it. @returns its path */
export function kubeconfigOfPod(plane: ControlPlane, identity: PodIdentity): string {
  const { namespace, serviceAccount, pod, node, owner } = identity
  const ownerReferences = owner === undefined ? [] : [ownerReference(plane, namespace, owner)]
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, namespace, ownerReferences },
    spec: { serviceAccountName: serviceAccount, nodeName: node, containers: [{ name: 'one', image: 'none' }] },
  }
  plane.kubectl(['create', '-f', '-'], JSON.stringify(object))
  const uid = plane.kubectl(['get', 'pod', pod, '-n', namespace, '-o', 'jsonpath={.metadata.uid}'])
  const bound = ['--bound-object-kind=Pod', `--bound-object-name=${pod}`, `--bound-object-uid=${uid}`]
  const token = plane.kubectl(['create', 'token', serviceAccount, '-n', namespace, ...bound]).trim()
  return kubeconfigOfToken(plane, pod, token)
}

/** As kubeconfigOfPod, with a token that names no Pod: made by hand, or by an old API server. */
export function kubeconfigOfAccount(plane: ControlPlane, namespace: string, serviceAccount: string): string {
  const token = plane.kubectl(['create', 'token', serviceAccount, '-n', namespace]).trim()
  return kubeconfigOfToken(plane, `${serviceAccount}-unbound`, token)
}

function kubeconfigOfToken(plane: ControlPlane, name: string, token: string): string {
  const config = JSON.parse(readFileSync(plane.kubeconfig, 'utf8')) as { users: { user: object }[] }
  config.users[0]!.user = { token }
  const path = join(plane.directory, `${name}.kubeconfig`)
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 })
  return path
}

function ownerReference(plane: ControlPlane, namespace: string, owner: string): object {
  const { apiVersion, kind, metadata } = JSON.parse(plane.kubectl(['get', owner, '-n', namespace, '-o', 'json']))
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }
}
