/** What `invarctl explain` prints. Pure. */
import type { AsksFor, Explanation, PoolAnswer } from './explain.ts'
import type { BgpAnswer, Layer2Answer } from './explain-announcement.ts'
import { type Paint, type Report, table } from './report.ts'

export function explainReport(explanation: Explanation): Report {
  return { value: explanation, text: ({ paint }) => textOf(explanation, paint), exitCode: 0 }
}

function textOf(explanation: Explanation, paint: Paint): string {
  const { summary, outcome, asksFor, pools, sharedWith, layer2, bgp, shows } = explanation
  const isFine = outcome === 'assigned' && (layer2.announces || bgp.some(({ announces }) => announces))
  const sections = [`${paint(isFine ? 'good' : 'doubtful', summary)}\n`, section('Asks for', wishes(asksFor))]
  if (pools.length > 0) sections.push(section('Pools, in the order in which they are considered', pools.map(poolLine)))
  const sharers = sharedWith.map(({ address, services }) => `${address} with ${services.join(', ')}`)
  if (sharers.length > 0) sections.push(section('Shares', sharers))
  if (outcome === 'assigned') sections.push(section('Layer 2', layer2Lines(layer2, paint)))
  if (outcome === 'assigned' && bgp.length > 0)
    sections.push(
      section(
        'BGP',
        bgp.map((one) => bgpLine(one, paint)),
      ),
    )
  return [...sections, section('The cluster shows', shownLines(shows))].join('\n')
}

function section(heading: string, lines: readonly string[]): string {
  return `${heading}:\n${lines.map((line) => `  ${line}\n`).join('')}`
}

function wishes({ addresses, pool, sharingKey, families, fault }: AsksFor): readonly string[] {
  const wanted = addresses === undefined ? families.join(' and ') || 'no' : undefined
  return [
    wanted === undefined ? addresses!.join(' and ') : `${wanted} address`,
    ...(pool === undefined ? [] : [`from pool "${pool}"`]),
    ...(sharingKey === undefined ? [] : [`may share it under the key "${sharingKey}"`]),
    ...(fault === undefined ? [] : [fault]),
  ]
}

function poolLine({ pool, sentence, reason }: PoolAnswer): string {
  return `${pool} ${sentence}${reason === undefined ? '' : ` [${reason}]`}`
}

function layer2Lines(layer2: Layer2Answer, paint: Paint): readonly string[] {
  const excluded = layer2.excluded.map(({ sentence, reason }) => `not: ${sentence} [${reason}]`)
  if (!layer2.announces) return [paint('doubtful', `nobody answers: ${layer2.detail} [${layer2.because}]`), ...excluded]
  const rows = layer2.candidates.map((node, index) => {
    const interfaces = layer2.interfaces[node]
    return `${index + 1}. ${node}${interfaces === undefined ? '' : ` on ${interfaces.join(', ')}`}`
  })
  return [...rows, ...excluded]
}

function bgpLine(
  { node, announces, advertisements = [], peers = [], because, detail }: BgpAnswer,
  paint: Paint,
): string {
  if (!announces) return paint('doubtful', `${node} does not announce: ${detail} [${because}]`)
  return `${node} announces to ${peers.join(', ')} (BGPAdvertisement ${advertisements.join(', ')})`
}

function shownLines({ addresses, condition, lastEvent, announcedBy }: Explanation['shows']): readonly string[] {
  const answering = announcedBy.map(({ node, interfaces }) =>
    interfaces.length === 0 ? node : `${node} (${interfaces.join(', ')})`,
  )
  const rows = [
    ['status', addresses.join(', ') || 'no address'],
    ...(condition === undefined ? [] : [['condition', condition]]),
    ...(lastEvent === undefined ? [] : [['last event', `${lastEvent.at} ${lastEvent.reason}: ${lastEvent.message}`]]),
    ['answered by', answering.join(', ') || 'no node reports that it does'],
  ]
  return table(rows[0]!, rows.slice(1)).trimEnd().split('\n')
}
