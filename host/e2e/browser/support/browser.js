import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { AxeBuilder } from '@axe-core/playwright'
import { chromium } from 'playwright-core'

import { ROOT } from './halle.js'

const SHOTS = join(ROOT, 'target/screenshots')
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'
]
const STANDARDS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** A browser whose pages are watched: what they ask of other sites, and what their security policy stops. */
export async function openBrowser(url) {
  mkdirSync(SHOTS, { recursive: true })
  const executablePath = process.env.HALLE_CHROMIUM ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  const foreign = []
  const blocked = []
  const context = async options => {
    const made = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'fr-FR', ...options })
    made.setDefaultTimeout(30_000)
    made.on('request', request => {
      if (/^(https?|wss?):/.test(request.url()) && new URL(request.url()).host !== new URL(url).host) foreign.push(request.url())
    })
    made.on('console', message => {
      if (message.text().includes('Content Security Policy')) blocked.push(message.text())
    })
    return made
  }
  return { browser, context, foreign, blocked, close: () => browser.close() }
}

/** Writes a picture of the page to `target/screenshots`. */
export async function shot(page, name) {
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true, animations: 'disabled' })
}

/** Takes a picture, and fails when the page shuts people out. */
export async function inspect(page, name) {
  await shot(page, name)
  const { violations } = await new AxeBuilder({ page }).withTags(STANDARDS).analyze()
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const told = grave.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.slice(0, 3).map(node => node.html).join('\n    ')}`)
  assert.equal(grave.length, 0, `${name} (${page.url()}):\n  ${told.join('\n  ')}`)
}
