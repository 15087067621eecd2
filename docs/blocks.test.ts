/** Every block of the documentation is held to something: run, linted, understood by the command line, or excused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Command } from 'commander'
import { parse } from 'yaml'
import valuesSchema from '../charts/invar/values.schema.json' with { type: 'json' }
import { lint } from '../cli/lint.ts'
import { parseManifest } from '../cli/manifest.ts'
import { programOf } from '../cli/program.ts'
import { DEFAULT_REQUEST_OPTIONS } from '../core/allocate/index.ts'
import { type Block, blocksOf, documentationPages, heredocsOf, placeOf, readPage, WORDS } from '../testkit/pages.ts'

const blocks = documentationPages().flatMap(blocksOf)

/** `sh` blocks that docs.cluster.test.ts does not run: page → first line of the block → why. */
const NOT_RUN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': {
    'make demo          # a real three-node cluster in network namespaces, told as a story; cleans up after itself':
      'the demo is what e2e/cluster/main-job.cluster.test.ts plays, and the tests are this suite',
    'npm exec -- invarctl lint -f my-pools/          # what is wrong with these files, before they are applied':
      "names of the reader's own files, Services and nodes stand in it; the commands run in docs/start.md and docs/operations.md",
  },
  'docs/install.md': {
    'npm run image': 'build/image.test.ts builds the image, and this cluster runs it; the second command is for a node',
    'kubectl apply -k deploy/': 'a second installation beside the first; e2e/cluster/main-job.cluster.test.ts runs it',
    'helm uninstall invar --namespace metallb-system':
      'what comes after it needs the installation; charts/chart.controlplane.test.ts runs it',
  },
  'docs/migrate-from-kube-vip.md': {
    'kubectl get services --all-namespaces -o jsonpath=\'{range .items[?(@.spec.type=="LoadBalancer")]}{.metadata.namespace}/{.metadata.name} {.status.loadBalancer.ingress[*].ip}{"\\n"}{end}\'':
      'no cluster here has kube-vip; the page says so',
    'helm install invar charts/invar --namespace metallb-system': 'as above',
  },
  'docs/migrate-from-metallb.md': {
    'invarctl migrate from-metallb': 'e2e/cluster/migrate.cluster.test.ts runs the page',
    'invarctl migrate from-metallb --yes': 'as above',
    'helm get values metallb --namespace metallb-system --output yaml > metallb-values.yaml': 'as above',
    'kubectl apply -k deploy/': 'cli/migrate/migrate.controlplane.test.ts runs it',
    'kubectl scale deployment --namespace metallb-system --selector app.kubernetes.io/name=invar --replicas=0':
      'e2e/cluster/migrate.cluster.test.ts runs it',
  },
  'docs/migrate-from-servicelb.md': {
    "echo 'disable: [servicelb]' >> /etc/rancher/k3s/config.yaml": 'no cluster here has K3s; the page says so',
    'kubectl annotate service traefik --namespace kube-system metallb.io/loadBalancerIPs=192.0.2.10': 'as above',
  },
}

/** A block as NOT_RUN names it. */
function firstLine({ text }: Block): string {
  return text.split('\n')[0]!
}

test('no block is missed, and one within a list stands without its indentation', () => {
  for (const page of documentationPages()) {
    const fences = [...readPage(page).matchAll(/^ *```/gm)]
    assert.equal(fences.length, 2 * blocksOf(page).length, page)
  }
  const [, indented] = blocksOf('docs/migrate-from-kube-vip.md')
  assert.match(indented?.text ?? '', /^helm install .*\nkubectl apply /)
})

test('every block has a language, and no words that nobody knows', () => {
  for (const block of blocks) {
    assert.doesNotMatch(block.language, /^$|^(bash|shell|zsh|yml)$/, `${placeOf(block)}: sh, console, yaml … or text`)
    for (const word of block.words) assert.match(word, WORDS[block.language] ?? /^$/, placeOf(block))
  }
})

test('every shell block is run by a test, or listed in NOT_RUN with the reason why not', () => {
  const idle = blocks.filter(({ language, words }) => language === 'sh' && !words.includes('run'))
  for (const block of idle) {
    const reason = NOT_RUN[block.page]?.[firstLine(block)]
    assert.ok(
      reason !== undefined,
      `${placeOf(block)} is neither run (\`\`\`sh run) nor in NOT_RUN: ${firstLine(block)}`,
    )
  }
  for (const [page, lines] of Object.entries(NOT_RUN)) {
    for (const line of Object.keys(lines)) {
      assert.ok(
        idle.some((block) => block.page === page && firstLine(block) === line),
        `NOT_RUN has what ${page} has not: ${line}`,
      )
    }
  }
})

test('what a block is said to print follows the block that prints it', () => {
  for (const page of documentationPages()) {
    for (const [index, block] of blocksOf(page).entries()) {
      if (block.words.includes('output')) assert.ok(blocksOf(page)[index - 1]?.words.includes('run'), placeOf(block))
    }
  }
})

function rulesFound(text: string, place: string): readonly string[] {
  const manifest = parseManifest(text, place)
  assert.ok(manifest.kind === 'objects', `${place}: ${manifest.kind === 'broken' ? manifest.message : ''}`)
  assert.equal(manifest.others, 0, `${place} is no Kubernetes object`)
  const { problems } = lint({
    objects: manifest.objects,
    namespace: 'metallb-system',
    request: DEFAULT_REQUEST_OPTIONS,
  })
  // A page shows one object at a time: what it refers to is elsewhere.
  return problems.filter(({ severity }) => severity !== 'waiting').map(({ rule }) => rule)
}

test('manifests are without fault, or have the one that the page is about', () => {
  const manifests = blocks.filter(({ language, words }) => language === 'yaml' && !words.includes('values'))
  for (const block of manifests) {
    const wanted = block.words.map((word) => word.replace('finds=', ''))
    assert.deepEqual(rulesFound(block.text, placeOf(block)), wanted, placeOf(block))
  }
  for (const block of blocks.filter(({ language }) => language === 'sh')) {
    for (const text of heredocsOf(block)) assert.deepEqual(rulesFound(text, placeOf(block)), [], placeOf(block))
  }
})

test('values of the chart fit its schema', () => {
  const validate = new Ajv2020({ strict: false }).compile(valuesSchema)
  for (const block of blocks.filter(({ words }) => words.includes('values'))) {
    assert.ok(validate(parse(block.text)), `${placeOf(block)}: ${JSON.stringify(validate.errors)}`)
  }
})

/** Commands as typed, each a line: of a console block what stands behind the prompt. */
function linesOf({ language, text }: Block): readonly string[] {
  if (language === 'sh') return text.split('\n')
  return language === 'console' ? [...text.matchAll(/^\$ (.*)$/gm)].map((match) => match[1]!) : []
}

/** The command, or the command below a command, that words begin with. */
function commandFor(program: Command, [first, ...rest]: readonly string[]): Command | undefined {
  const found = program.commands.find((one) => one.name() === first)
  return found === undefined || found.commands.length === 0 ? found : commandFor(found, rest)
}

/** Undefined = it is a command of the program, with flags that it has. */
function commandFault(program: Command, line: string): string | undefined {
  const words = line.trim().split(/\s+/)
  const command = commandFor(program, words)
  if (command === undefined) return `no command ${words[0]}`
  const known = [...command.options, ...program.options].flatMap(({ long, short }) => [long, short])
  const unknown = words.find(
    (word) => /^--?[a-z]/.test(word) && !known.includes(word.split('=')[0]!) && word !== '--help',
  )
  return unknown === undefined ? undefined : `${words[0]} has no ${unknown}`
}

test('every invarctl command of a page is one, with these flags', () => {
  const program = programOf('invarctl', () => undefined)
  const lines = [
    ...blocks.flatMap((block) => linesOf(block).map((line) => ({ line, place: placeOf(block) }))),
    ...documentationPages().flatMap((page) => {
      const spans = [...readPage(page).matchAll(/`((?:invarctl|kubectl invar) [^`\n]+)`/g)]
      return spans.map((span) => ({ line: span[1]!, place: page }))
    }),
  ]
  const commands = lines.flatMap(({ line, place }) => {
    const found = line.matchAll(/(?:^|[\s(;|])(?:invarctl|kubectl[ -]invar) ([a-z][^|;)#]*)/g)
    return [...found].map((match) => ({ command: match[1]!, place }))
  })
  assert.ok(commands.length > 50, `only ${commands.length} commands`)
  for (const { command, place } of commands) assert.equal(commandFault(program, command), undefined, place)
  assert.match(commandFault(program, 'expain svc/web') ?? '', /no command/)
  assert.match(commandFault(program, 'explain svc/web --wide') ?? '', /has no --wide/)
})

test('every bench and test that a page names is there', () => {
  for (const page of documentationPages()) {
    const text = readPage(page)
    for (const [, name] of text.matchAll(/npm run bench -- ([a-z0-9-]+)/g)) {
      assert.match(readPage(`bench/${name}.ts`), new RegExp(`name: '${name}'`), `${page}: ${name}`)
    }
    for (const [, file] of text.matchAll(/node --test ([\w./-]+)/g)) {
      assert.ok(readPage(file!).includes('test('), `${page}: ${file}`)
    }
  }
})

test('JSON is JSON', () => {
  for (const block of blocks.filter(({ language }) => language === 'json')) {
    assert.doesNotThrow(() => JSON.parse(block.text), placeOf(block))
  }
})
