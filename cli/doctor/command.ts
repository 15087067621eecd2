import { withCluster } from '../cluster-commands.ts'
import type { ClusterFlags } from '../connection.ts'
import type { Report } from '../report.ts'
import { examine } from './examine.ts'
import { readDoctorFacts } from './read-facts.ts'
import { doctorReport } from './report.ts'

/** @throws CannotRun */
export async function runDoctor(flags: ClusterFlags): Promise<Report> {
  return withCluster(flags, async (connection, state, onRead) => {
    return doctorReport(examine(await readDoctorFacts(connection, state, onRead)))
  })
}
