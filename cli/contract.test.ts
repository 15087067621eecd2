/** What every command owes whoever runs it, whichever it is: help that teaches, hints, a schema, completion. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type Command, CommanderError } from 'commander'
import { ANSWERS, schemaText } from './answers/index.ts'
import { strict } from './answers/shape.ts'
import { CannotRun } from './cannot-run.ts'
import { completionScript, SHELLS } from './completion.ts'
import { programOf } from './program.ts'

interface Said {
  readonly out: string
  readonly err: string
  /** 0 = help was asked for. */
  readonly exitCode: number
}

/** Runs a command line that commander itself ends. */
async function said(args: readonly string[], name = 'invarctl'): Promise<Said> {
  const texts = { out: '', err: '' }
  const program = programOf(name, () => assert.fail(`${args.join(' ')} ran`))
  for (const command of [program, ...program.commands]) {
    command.configureOutput({
      writeOut: (text) => {
        texts.out += text
      },
      writeErr: (text) => {
        texts.err += text
      },
    })
  }
  const ended = await program.parseAsync(['node', name, ...args]).then(
    () => assert.fail(`${args.join(' ')} ran`),
    (error: unknown) => error,
  )
  assert.ok(ended instanceof CommanderError, String(ended))
  return { ...texts, exitCode: ended.exitCode }
}

const program = programOf('invarctl', () => undefined)
const COMMANDS = program.commands.filter((command) => command.name() !== 'help')
const hasOutput = (command: Command) => command.options.some(({ long }) => long === '--output')

/** Lines below a heading of a help text, until the next empty one. */
function linesUnder(heading: string, help: string): readonly string[] {
  const lines = help.split('\n')
  const from = lines.indexOf(heading) + 1
  assert.ok(from > 0, `no "${heading}" in ${help}`)
  return lines.slice(from, lines.indexOf('', from))
}

test('there are all the commands', () => {
  assert.ok(COMMANDS.length >= 20, COMMANDS.map((command) => command.name()).join(' '))
})

for (const command of COMMANDS) {
  const name = command.name()

  describe(name, () => {
    test('has help that says what it does, how it is used, and how it ends', async () => {
      const { out, exitCode } = await said([name, '--help'])
      assert.equal(exitCode, 0)
      assert.match(out, new RegExp(`^Usage: invarctl ${name}\\b`))
      assert.ok(command.description().length > 20)
      assert.match(out, /\n\nExit codes: 0 = done, (1 = .+, )?2 = could not run\.\n$/)
      for (const { long, description } of command.options) assert.ok(description.length > 5, `${name} ${long}`)
    })

    test('has examples that it understands', async () => {
      const examples = linesUnder('Examples:', (await said([name, '--help'])).out)
      assert.ok(examples.length > 0)
      for (const line of examples) {
        const words = /invarctl ([^)|<>]*)/.exec(line)?.[1]?.trim().split(/\s+/) ?? []
        assert.equal(words[0], name, line)
        for (const flag of words.filter((word) => /^--?\w/.test(word))) {
          assert.ok(
            command.options.some(({ long, short }) => flag === long || flag === short),
            `${line}: ${flag}`,
          )
        }
      }
    })

    test('refuses a flag that it does not have, and says where to look', async () => {
      const { out, err, exitCode } = await said([name, '--nonsense'])
      assert.notEqual(exitCode, 0)
      assert.equal(out, '')
      assert.match(err, /^error: (unknown option '--nonsense'|required option)/)
      assert.ok(err.includes(`(invarctl ${name} --help says how it is used)`), err)
      assert.ok(!/\n {4}at /.test(err))
    })

    test('names itself as it was called', async () => {
      const { out } = await said([name, '--help'], 'kubectl invar')
      assert.match(out, new RegExp(`^Usage: kubectl invar ${name}\\b`))
      assert.ok(!out.includes('invarctl '), out)
    })

    test('is completed in every shell, with all its flags', () => {
      for (const shell of SHELLS) {
        const script = completionScript(shell, program)
        assert.ok(script.includes(name), shell)
        for (const { long } of command.options) assert.ok(script.includes(long!.slice(2)), `${shell} ${name} ${long}`)
      }
    })

    if (hasOutput(command)) {
      test('has -o json with a schema', () => {
        const output = command.options.find(({ long }) => long === '--output')
        assert.deepEqual(output?.argChoices, ['text', 'wide', 'json', 'yaml'])
        assert.ok(Object.hasOwn(ANSWERS, name), `cli/answers/index.ts does not know ${name}`)
      })
    }
  })
}

test('a mistyped command is met with the one that was meant', async () => {
  const { err } = await said(['sttaus'])
  assert.match(err, /^error: unknown command 'sttaus'\n\(Did you mean status\?\)\n.*invarctl --help/)
})

test('every schema is one, and belongs to a command', () => {
  const ajv = new Ajv2020({ strict: true })
  for (const [name, schema] of Object.entries(ANSWERS)) {
    assert.ok(
      COMMANDS.some((command) => command.name() === name),
      name,
    )
    for (const one of [schema, strict(schema), JSON.parse(schemaText(name))])
      assert.doesNotThrow(() => ajv.compile(one), name)
  }
})

test('there is no schema of what prints none', () => {
  assert.throws(
    () => schemaText('completion'),
    (error) => error instanceof CannotRun && /there is one of status, /.test(error.message),
  )
})
