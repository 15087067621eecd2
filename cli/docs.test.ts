/** docs/cli.md against the program: its commands are understood, its JSON is JSON, nothing is left out. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CHECKS } from './doctor/finding.ts'
import { judgedAnswer } from './judged-answer.ts'
import { programOf } from './program.ts'

const page = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8')
const program = programOf('invarctl', () => undefined)

test('every command of the page is one, with these flags', () => {
  const lines = [...page.matchAll(/^\$ (?:source <\()?invarctl ([^)|\n]*)/gm)].map(([, rest]) =>
    rest!.trim().split(/\s+/),
  )
  assert.ok(lines.length >= 6)
  for (const [name, ...words] of lines) {
    const command = program.commands.find((one) => one.name() === name)
    assert.ok(command !== undefined, `no command ${name}`)
    for (const flag of words.filter((word) => word.startsWith('-'))) {
      assert.ok(
        command.options.some(({ long, short }) => flag === long || flag === short),
        `${name} ${flag}`,
      )
    }
  }
})

test('every command has its place on the page, and every flag is named', () => {
  for (const command of program.commands) {
    assert.match(page, new RegExp(`^## .*\\b${command.name()}\\b`, 'm'))
    for (const { long } of command.options) {
      assert.ok(page.includes(long === '--filename' ? '`-f`' : long === '--output' ? '-o text' : long!), long!)
    }
  }
})

test('its JSON is what the schemas say', () => {
  let judged = 0
  for (const section of page.split(/^## /m).slice(1)) {
    const [heading = ''] = section.split('\n')
    for (const [, block] of section.matchAll(/```json\n([\s\S]*?)```/g)) {
      assert.doesNotThrow(() => judgedAnswer(heading.split(/[ ,]/)[0]!, block!))
      judged += 1
    }
  }
  assert.ok(judged >= 15, `${judged} examples`)
})

test('every check of doctor is on the page, in the same words', () => {
  for (const [id, about] of Object.entries(CHECKS)) assert.ok(page.includes(`| \`${id}\` | ${about} |`), id)
})
