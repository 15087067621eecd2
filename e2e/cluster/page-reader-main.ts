/** Reads the web page as a browser does, until everything was told: `node page-reader-main.ts URL`. Prints JSON. */
import type { PageMessage } from '../../page/model.ts'
import { PageState } from '../../page/state.ts'

const url = process.argv[2]!
const html = await (await fetch(url)).text()
const state = new PageState()
const stream = await fetch(`${url}/events`)
let rest = ''
for await (const text of stream.body!.pipeThrough(new TextDecoderStream())) {
  const events = (rest + text).split('\n\n')
  rest = events.pop() ?? ''
  for (const event of events.filter((one) => one.startsWith('data: '))) {
    state.apply(JSON.parse(event.slice('data: '.length)) as PageMessage)
  }
  if (state.isComplete) break
}
console.log(JSON.stringify({ title: /<title>(.*)<\/title>/.exec(html)?.[1], services: state.services }))
process.exit(0)
