/** Issues one certificate and ends: what the issuing loads goes with the thread. See self-signed.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { issueSelfSigned } from './self-signed.ts'
import type { SelfSignedRequest } from './server-certificate.ts'

const { dnsName, wallMs } = workerData as SelfSignedRequest
parentPort?.postMessage(await issueSelfSigned({ dnsName, wallMs }))
