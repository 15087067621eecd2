import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIST_OF_KIND } from '../core/config/index.ts'
import { DEFINITIONS } from '../crds/index.ts'
import {
  CONFIGURATION_RESOURCES,
  CONFIGURATION_STATES,
  SERVICE_BGP_STATUSES,
  SERVICE_L2_STATUSES,
} from './metallb-resources.ts'
import { apiVersionOf, type Resource } from './resource.ts'

const RESOURCES: readonly Resource[] = [
  ...Object.values(CONFIGURATION_RESOURCES),
  CONFIGURATION_STATES,
  SERVICE_L2_STATUSES,
  SERVICE_BGP_STATUSES,
]

test('all kinds of the API are here, in the version that is stored', () => {
  const here = RESOURCES.map((resource) => [resource.kind, resource.plural, apiVersionOf(resource)])
  const defined = Object.entries(DEFINITIONS).map(([kind, { plural, apiVersions }]) => [kind, plural, apiVersions[0]])
  assert.deepEqual(here.sort(), defined.sort())
})

test('every kind of the configuration is followed', () => {
  assert.deepEqual(Object.keys(CONFIGURATION_RESOURCES).sort(), Object.keys(LIST_OF_KIND).sort())
})
