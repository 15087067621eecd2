import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Terms } from './terms.ts'

/** Terms whose reads and ends the test completes; `story` tells what happened in which order. */
function world() {
  const story: string[] = []
  const reads = new Map<number, () => void>()
  const ends: (() => void)[] = []
  let opened = 0
  const terms = new Terms({
    readSince: (time) => new Promise<void>((resolve) => reads.set(time, resolve)),
    open: () => {
      const name = `term ${++opened}`
      story.push(`${name} opens`)
      return {
        stop: () => new Promise<void>((resolve) => ends.push(resolve)).then(() => story.push(`${name} has ended`)),
      }
    },
  })
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  const read = async (time: number): Promise<void> => {
    reads.get(time)?.()
    await settled()
  }
  return { terms, story, read, ends, settled }
}

test('a term opens when what is known is read, not before', async () => {
  const { terms, story, read, settled } = world()
  void terms.begin(1)
  await settled()
  assert.deepEqual(story, [])
  await read(1)
  assert.deepEqual([story, terms.current === undefined], [['term 1 opens'], false])
})

test('the next term waits for the end of the one before', async () => {
  const { terms, story, read, ends, settled } = world()
  void terms.begin(1)
  await settled()
  await read(1)
  void terms.end()
  assert.equal(terms.current, undefined, 'what comes in now is for nobody')
  void terms.begin(2)
  await settled()
  await read(2)
  assert.deepEqual(story, ['term 1 opens'])
  ends[0]!()
  await settled()
  await read(2)
  assert.deepEqual(story, ['term 1 opens', 'term 1 has ended', 'term 2 opens'])
})

test('deposed and elected again while the first list is read: that list does not open the second term', async () => {
  const { terms, story, read, settled } = world()
  const first = terms.begin(1)
  await settled()
  // Another replica led in between, and gave out addresses that a list begun at 1 does not show.
  void terms.end()
  const second = terms.begin(2)
  await settled()
  await read(1)
  assert.deepEqual([await first, story], [undefined, []])
  await read(2)
  assert.notEqual(await second, undefined)
  assert.deepEqual(story, ['term 1 opens'])
})

test('a program that stops while the list is read opens no term', async () => {
  const { terms, story, read, settled } = world()
  const begun = terms.begin(1)
  await settled()
  await terms.end()
  await read(1)
  assert.deepEqual([await begun, story], [undefined, []])
})
