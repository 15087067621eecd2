import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PAGE_ASSETS, pageAssets } from '../build/page.ts'
import { ASSETS } from './generated/assets.ts'

test('the controller serves what lies here (mend with: npm run generate)', async () => {
  // Not `equal`: the difference of two lines of 20 kB tells nobody anything.
  assert.ok(readFileSync(PAGE_ASSETS, 'utf8') === (await pageAssets()), `${PAGE_ASSETS} is of an earlier day`)
})

test('nothing of the page comes from elsewhere, and nothing is inline', () => {
  const { body } = ASSETS['/page']!
  assert.doesNotMatch(body, /https?:|\sstyle=|\son\w+=/)
  assert.doesNotMatch(body, /<style|<script(?![^>]*\ssrc=")/)
})

test('it is small: all files together stay below 60 kB', () => {
  const bytes = Object.values(ASSETS).reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
  assert.ok(bytes < 60_000, `${bytes} bytes`)
})
