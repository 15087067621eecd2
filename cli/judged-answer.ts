/** Judges what a command printed with `-o json` by its schema, for tests. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { ANSWERS } from './answers/index.ts'
import { strict } from './answers/shape.ts'

const compiled = new Map<string, ValidateFunction>()

/** The value; a field that the schema does not name is a fault as well. @throws Error with what is wrong, and where */
export function judgedAnswer(command: string, text: string) {
  const schema = ANSWERS[command]
  if (schema === undefined) throw new Error(`cli/answers/index.ts has no schema of ${command}`)
  const validate = compiled.get(command) ?? new Ajv2020({ allErrors: true }).compile(strict(schema))
  compiled.set(command, validate)
  const value = JSON.parse(text)
  const isRight: boolean = validate(value)
  if (isRight) return value
  const faults = validate.errors?.map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
  throw new Error(`invarctl ${command} -o json is not what its schema says:\n${faults?.join('\n')}\n${text}`)
}
