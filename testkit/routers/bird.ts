/** BIRD: one daemon, asked over its control socket. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorkplace } from '../leftovers.ts'
import { startProgram } from '../program.ts'
import { BirdControl } from './bird-control.ts'
import { configurationOf, nameOf } from './configuration.ts'
import { answering, lifeOf } from './daemon.ts'
import { routerEnvironment, routerProgram } from './programs.ts'
import { byPrefix, communityInFigures, type Neighbor, type Route, type Router, type RouterOptions } from './router.ts'

const EXAMPLE = 'bird.conf'

export async function startBird(options: RouterOptions): Promise<Router> {
  const workplace = openWorkplace('bird')
  const [file, socket] = ['bird.conf', 'bird.sock'].map((name) => join(workplace.directory, name)) as [string, string]
  writeFileSync(file, configurationOf(EXAMPLE, options))
  const program = startProgram(workplace, {
    name: 'bird',
    command: routerProgram('bird'),
    args: ['-f', '-c', file, '-s', socket, '-P', `${socket}.pid`],
    environment: routerEnvironment(),
    namespace: options.namespace.path,
  })
  const control = await answering(program, () => BirdControl.open(socket))
  let current = options
  // It refuses the question where no protocol of BFD runs.
  const bfdSessions = () =>
    current.neighbors.some(({ bfd }) => bfd !== undefined) ? control.ask('show bfd sessions') : Promise.resolve('')
  return {
    kind: 'bird',
    version: /BIRD \d\S*/.exec(await control.ask('show status'))?.[0] ?? 'BIRD',
    routes: async () => routesOf(await control.ask('show route all where source = RTS_BGP')),
    neighbor: async (address) => {
      const protocol = await control.ask(`show protocols all ${nameOf(address)}`)
      return neighborOf(protocol, address, await bfdSessions())
    },
    refresh: async (address) => void (await control.ask(`reload in ${nameOf(address)}`)),
    async reconfigure(changed) {
      current = changed
      writeFileSync(file, configurationOf(EXAMPLE, changed))
      await control.ask('configure')
    },
    ...lifeOf(workplace, [program]),
  }
}

function neighborOf(protocol: string, address: string, bfd: string): Neighbor {
  const lines = protocol.split('\n')
  const field = (name: string) =>
    lines
      .find((line) => line.trim().startsWith(name))
      ?.trim()
      .slice(name.length)
      .trim()
  const state = field('BGP state:') ?? 'gone'
  const received = lines.flatMap((line) => {
    const count = /^\s*Routes:\s+(\d+) imported/.exec(line)?.[1]
    return count === undefined ? [] : [Number(count)]
  })
  const session = bfd.split('\n').find((line) => line.trim().startsWith(`${address} `))
  return {
    isEstablished: state === 'Established',
    state,
    received: received.reduce((sum, count) => sum + count, 0),
    bfd: session === undefined ? undefined : /\sUp\s/.test(session) ? 'up' : 'down',
    lastError: field('Last error:'),
  }
}

/** A path begins with its prefix, or with blanks where it is another path of the same prefix; attributes follow. */
function routesOf(output: string): readonly Route[] {
  const routes: { prefix: string; text: string[] }[] = []
  for (const line of output.split('\n')) {
    const start = /^(\S*)\s+(?:unicast|blackhole|unreachable)\s+\[/.exec(line)
    if (start !== null) routes.push({ prefix: start[1] || routes.at(-1)!.prefix, text: [line] })
    else routes.at(-1)?.text.push(line)
  }
  return byPrefix(routes.map(({ prefix, text }) => routeOf(prefix, text)))
}

function routeOf(prefix: string, text: readonly string[]): Route {
  const attribute = (name: string) => text.find((line) => line.trim().startsWith(`BGP.${name}:`))?.split(': ')[1] ?? ''
  const numbers = (value: string) => value.split(' ').filter(Boolean).map(Number)
  const number = (value: string) => (value === '' ? undefined : Number(value))
  return {
    prefix,
    nextHops: attribute('next_hop').split(' ').filter(Boolean),
    asPath: numbers(attribute('as_path')),
    communities: communitiesOf(attribute('community')).map(communityInFigures),
    largeCommunities: communitiesOf(attribute('large_community')),
    localPreference: number(attribute('local_pref')),
    med: number(attribute('med')),
    isStale: undefined,
  }
}

/** `(64512,100) (65535,65281)` */
function communitiesOf(value: string): string[] {
  return [...value.matchAll(/\(([^)]*)\)/g)].map(([, inner]) => inner!.replaceAll(/,\s*/g, ':'))
}
