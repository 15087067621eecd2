/** The commands that ask speakers: of the cluster through pods/exec, of this machine by their socket. */
import { Command } from 'commander'
import { type Declaring, type SpeakerFlags, withHelp, withOutput, withSpeaker } from '../command.ts'
import type { TopFlags } from '../top/command.ts'

export interface ProbeFlags extends SpeakerFlags {
  readonly wait: string
}

export function probeCommand(declaring: Declaring): Command {
  const command = new Command('probe')
    .description('ask the network who answers for an address, from a node that does not own it')
    .argument('<address>', 'IPv4 or IPv6')
    .option('--node <name>', 'ask from this node; default: one that does not report that it answers')
    .option('--wait <milliseconds>', 'for so long answers are collected', '1000')
    .action(async (address: string, { output, ...flags }: ProbeFlags) => {
      const { runProbe } = await import('../probe-command.ts')
      declaring.present(await runProbe(address, flags), output)
    })
  return withHelp(withOutput(withSpeaker(command)), declaring, {
    examples: ['probe 192.0.2.10', 'probe 2001:db8::10 --node node-b -o json'],
    finds: 'no answer, or several stations',
  })
}

export function peersCommand(declaring: Declaring): Command {
  const command = new Command('peers')
    .description('say how it stands with the BGP peers of every node: state, routes, BFD, and why a session is down')
    .option('--node <name>', 'of this node alone')
    .action(async ({ output, ...flags }: SpeakerFlags) => {
      const { runPeers } = await import('../bgp-commands.ts')
      declaring.present(await runPeers(flags), output)
    })
  return withHelp(withOutput(withSpeaker(command)), declaring, {
    examples: ['peers', 'peers --node node-b -o wide', 'peers -o json'],
    finds: 'a session that is not up, or a speaker that does not answer',
  })
}

export function routesCommand(declaring: Declaring): Command {
  const command = new Command('routes')
    .description('list what the BGP peers have been told: routes, attributes, and the BGPAdvertisements they come from')
    .argument('[peer]', 'name of a BGPPeer; default: all')
    .option('--node <name>', 'from this node alone')
    .action(async (peer: string | undefined, { output, ...flags }: SpeakerFlags) => {
      const { runRoutes } = await import('../bgp-commands.ts')
      declaring.present(await runRoutes(peer, flags), output)
    })
  return withHelp(withOutput(withSpeaker(command)), declaring, {
    examples: ['routes', 'routes tor --node node-b', 'routes tor -o json'],
    finds: 'a peer without a session, or a speaker that does not answer',
  })
}

export function nodesCommand(declaring: Declaring): Command {
  const command = new Command('nodes')
    .description('say how the nodes stand as their speakers see them: links, other speakers, kernel, ports')
    .option('--node <name>', 'of this node alone')
    .action(async ({ output, ...flags }: SpeakerFlags) => {
      const { runNodes } = await import('../nodes-command.ts')
      declaring.present(await runNodes(flags), output)
    })
  return withHelp(withOutput(withSpeaker(command)), declaring, {
    examples: ['nodes', 'nodes --node node-b -o wide', 'nodes -o json'],
    finds: 'a speaker that is not ready, or does not answer',
  })
}

export function topCommand(declaring: Declaring): Command {
  const command = new Command('top')
    .description('show what happens while it happens: addresses, who answers how often, sessions, the last decisions')
    .option('--interval <seconds>', 'between two refreshes', '1')
    .option('--count <number>', 'end after so many refreshes; 0 = when q is pressed', '0')
    .action(async (flags: TopFlags) => {
      const { runTop } = await import('../top/command.ts')
      await runTop(flags)
    })
  return withHelp(withOutput(withSpeaker(command)), declaring, {
    examples: ['top', 'top --interval 5', 'top --count 3 -o json'],
  })
}
