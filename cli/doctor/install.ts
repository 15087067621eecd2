/** Checks of what is installed around the programs: definitions, rights, webhook, namespace. Pure. */
import { DEFINITIONS, KINDS, type Schema } from '../../crds/index.ts'
import type { DoctorFacts, SchemaShape } from './facts.ts'
import type { Found, Outcome } from './finding.ts'

const INSTALL_CRDS = 'kubectl apply --server-side -k crds, or helm upgrade with crds.enabled'

export function crdMissing({ definitions }: DoctorFacts): Outcome {
  if (definitions.kind === 'unknown') return { unknown: definitions.because }
  const there = new Set(definitions.value.map(({ metadata }) => metadata.name))
  return KINDS.map((kind) => `${DEFINITIONS[kind].plural}.metallb.io`)
    .filter((name) => !there.has(name))
    .map((name): Found => {
      const object = { kind: 'CustomResourceDefinition', name }
      return { severity: 'error', object, what: 'is not there', remedy: INSTALL_CRDS }
    })
}

const MOST_FIELDS_TOLD = 4

export function crdOutdated({ definitions }: DoctorFacts): Outcome {
  if (definitions.kind === 'unknown') return { unknown: definitions.because }
  return definitions.value.flatMap(({ metadata, spec }): readonly Found[] => {
    const kind = KINDS.find((one) => one === spec?.names?.kind)
    if (kind === undefined) return []
    const versions = (spec?.versions ?? []).filter(({ served }) => served !== false)
    const missing = versions.flatMap(({ name, schema }) => {
      return missingFields(DEFINITIONS[kind].schema, schema?.openAPIV3Schema ?? {}, name)
    })
    if (missing.length === 0) return []
    const more = missing.length > MOST_FIELDS_TOLD ? ` and ${missing.length - MOST_FIELDS_TOLD} more` : ''
    const what = `does not know ${missing.slice(0, MOST_FIELDS_TOLD).join(', ')}${more}: the API server drops what is written there`
    const object = { kind: 'CustomResourceDefinition', name: metadata.name }
    return [{ severity: 'error', object, what, remedy: INSTALL_CRDS }]
  })
}

/** Paths of the fields that `ours` has and `theirs` lacks; of a whole branch its root alone. */
function missingFields(ours: Schema, theirs: SchemaShape, path: string): readonly string[] {
  if (theirs['x-kubernetes-preserve-unknown-fields'] === true) return []
  const inItems = ours.items === undefined ? [] : missingFields(ours.items, theirs.items ?? {}, `${path}[]`)
  const inFields = Object.entries(ours.properties ?? {}).flatMap(([name, schema]) => {
    const other = theirs.properties?.[name]
    return other === undefined ? [`${path}.${name}`] : missingFields(schema, other, `${path}.${name}`)
  })
  return [...inFields, ...inItems]
}

const ENFORCE = 'pod-security.kubernetes.io/enforce'

export function namespaceRestricted({ namespaceLabels, installation }: DoctorFacts): Outcome {
  const level = namespaceLabels[ENFORCE]
  if (level === 'privileged') return []
  const isKeptOut = level !== undefined || installation.speakers.length === 0
  if (!isKeptOut) return []
  const { namespace } = installation
  const what =
    level === undefined
      ? `has no label ${ENFORCE}, and no Pod of a speaker: the cluster's default may refuse host network and NET_RAW`
      : `enforces the pod security level "${level}", which refuses host network and NET_RAW to speakers`
  const remedy = `kubectl label namespace ${namespace} ${ENFORCE}=privileged --overwrite`
  const severity = level === undefined ? 'warning' : 'error'
  return [{ severity, object: { kind: 'Namespace', name: namespace }, what, remedy }]
}

export function rightMissing({ missingRights, installation }: DoctorFacts): Outcome {
  if (missingRights.kind === 'unknown') return { unknown: missingRights.because }
  return missingRights.value.map(({ account, verb, right }): Found => {
    const { group, resource, subresource, name, scope } = right
    const path = `${resource}${subresource === '' ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`
    const which = name === '' ? '' : ` "${name}"`
    const where = scope === 'cluster' ? '' : ` in namespace ${installation.namespace}`
    const object = { kind: 'ServiceAccount', namespace: installation.namespace, name: account }
    const remedy = 'apply the roles of this release: kubectl apply -k deploy/, or helm upgrade with rbac.create'
    return { severity: 'error', object, what: `may not ${verb} ${path}${which}${where}`, remedy }
  })
}

const WEBHOOK = 'metallb-webhook-configuration'

export function webhookUntrusted({ webhooks }: DoctorFacts): Outcome {
  if (webhooks.kind === 'unknown') return { unknown: webhooks.because }
  const all = webhooks.value?.webhooks ?? []
  const bare = all.filter(({ clientConfig }) => (clientConfig?.caBundle ?? '') === '')
  if (bare.length === 0) return []
  const what = `${bare.length} of ${all.length} webhooks have no caBundle: ${effectOf(bare)}`
  const remedy =
    'the controller writes it when it leads; its log says what keeps it (rights, --webhook-mode, --disable-cert-rotation)'
  return [{ severity: 'error', object: { kind: 'ValidatingWebhookConfiguration', name: WEBHOOK }, what, remedy }]
}

export function webhookUnreachable({ webhooks, webhookEndpoints, installation }: DoctorFacts): Outcome {
  if (webhooks.kind === 'unknown') return { unknown: webhooks.because }
  if (webhookEndpoints.kind === 'unknown') return { unknown: webhookEndpoints.because }
  const all = webhooks.value?.webhooks ?? []
  if (all.length === 0 || webhookEndpoints.value > 0) return []
  const object = { kind: 'Service', namespace: installation.namespace, name: 'metallb-webhook-service' }
  const what = `has no endpoint that is ready: ${effectOf(all)}`
  const remedy =
    'the controller is behind it: it is ready only when it serves; kubectl get endpointslices shows whom the Service selects'
  return [{ severity: 'error', object, what, remedy }]
}

function effectOf(
  webhooks: NonNullable<NonNullable<Extract<DoctorFacts['webhooks'], { kind: 'known' }>['value']>['webhooks']>,
) {
  const refuses = webhooks.some(({ failurePolicy }) => failurePolicy !== 'Ignore')
  return refuses
    ? 'the API server refuses changes of the configuration'
    : 'changes of the configuration wait for it in vain, and are not judged early'
}
