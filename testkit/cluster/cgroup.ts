/** Cgroups of a node: one of the same name in every hierarchy, version 1 or 2, whatever the machine mounts. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Workplace } from '../leftovers.ts'

export interface NodeCgroup {
  /** As the kubelet's `cgroupRoot`. */
  readonly name: string
  /** A process that writes its number into each of these is in the node, with all that it starts afterwards. */
  readonly processFiles: readonly string[]
  freeze(): void
  thaw(): void
}

/** The node's own processes; the kubelet puts those of the pods beside it. */
const SYSTEM = 'system'

/** Makes the cgroups and records them for removal. */
export function createNodeCgroup(workplace: Workplace, name: string): NodeCgroup {
  const hierarchies = cgroupHierarchies()
  for (const { root, version } of hierarchies) {
    const path = join(root, name)
    workplace.record({ kind: 'cgroup', path })
    mkdirSync(path, { recursive: true })
    if (version === 2 && hierarchies.length === 1) delegate(root, path)
    if (root.endsWith('/cpuset')) inheritCpus(root, path)
    mkdirSync(join(path, SYSTEM), { recursive: true })
    if (root.endsWith('/cpuset')) inheritCpus(path, join(path, SYSTEM))
  }
  const freezer = freezerOf(hierarchies, name)
  return {
    name,
    processFiles: hierarchies.map(({ root }) => join(root, name, SYSTEM, 'cgroup.procs')),
    freeze: () => writeFileSync(freezer.file, freezer.frozen),
    thaw: () => writeFileSync(freezer.file, freezer.thawed),
  }
}

interface Hierarchy {
  readonly root: string
  readonly version: 1 | 2
}

function cgroupHierarchies(): Hierarchy[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  return mounts
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup' || type === 'cgroup2')
    .map(([, root, type]) => ({ root: root!, version: type === 'cgroup2' ? 2 : 1 }))
}

/** Version 2: a child has only the controllers that its parent lists for its children. */
function delegate(root: string, path: string): void {
  const controllers = readFileSync(join(root, 'cgroup.controllers'), 'utf8').trim().split(/\s+/).filter(Boolean)
  const all = controllers.map((controller) => `+${controller}`).join(' ')
  writeFileSync(join(root, 'cgroup.subtree_control'), all)
  writeFileSync(join(path, 'cgroup.subtree_control'), all)
}

/** Version 1: a cpuset cgroup starts empty and takes no process before it has processors and memory nodes. */
function inheritCpus(parent: string, child: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (existsSync(join(child, file))) writeFileSync(join(child, file), readFileSync(join(parent, file)))
  }
}

function freezerOf(hierarchies: readonly Hierarchy[], name: string) {
  const version1 = hierarchies.find(({ root }) => root.endsWith('/freezer'))
  if (version1 !== undefined) {
    return { file: join(version1.root, name, 'freezer.state'), frozen: 'FROZEN', thawed: 'THAWED' }
  }
  const version2 = hierarchies.find(({ root }) => readdirSync(root).includes('cgroup.controllers'))
  if (version2 === undefined) throw new Error('no cgroup hierarchy with a freezer is mounted')
  return { file: join(version2.root, name, 'cgroup.freeze'), frozen: '1', thawed: '0' }
}
