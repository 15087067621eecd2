/** What `invarctl status` reads. */
import { CONFIGURATION_STATES } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { readAnnouncedCluster } from './announced-cluster.ts'
import { askEach } from './ask-speakers.ts'
import { withCluster } from './cluster-commands.ts'
import { type ClusterState, listAll, type OnRead } from './cluster-state.ts'
import { asking, type ClusterFlags, type Connection } from './connection.ts'
import { readInstallation } from './installation.ts'
import type { NodeRow } from './nodes.ts'
import { NODES_QUESTION } from './nodes-command.ts'
import { type OverviewFacts, overviewOf } from './overview.ts'
import { overviewReport } from './overview-report.ts'
import type { Report } from './report.ts'
import { runningSpeakers } from './speakers.ts'

export async function runStatus(flags: ClusterFlags): Promise<Report> {
  return withCluster(flags, async (connection, state, onRead) => {
    return overviewReport(overviewOf(await readOverviewFacts(connection, state, onRead)))
  })
}

/** @throws CannotRun; a speaker that does not answer is among the facts */
export async function readOverviewFacts(
  connection: Connection,
  state: ClusterState,
  onRead: OnRead,
): Promise<OverviewFacts> {
  const { namespace } = state.resources
  const [cluster, installation, states] = await Promise.all([
    readAnnouncedCluster(connection, state, onRead),
    readInstallation(connection, namespace),
    asking(connection, () => listAll(connection, CONFIGURATION_STATES, namespace, onRead)),
  ])
  const speakers = runningSpeakers(installation.speakers, namespace)
  const { answers, unanswered } = await askEach<NodeRow>(connection, speakers, NODES_QUESTION, onRead)
  return { cluster, installation, states, nodes: answers, unanswered, nowMs: systemClock.wall() }
}
