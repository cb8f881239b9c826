import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'

import { inspect, openBrowser, shot } from '../support/browser.js'
import { BINARY, EMAIL, PASSWORD, ROOT, startHalle, startStations } from '../support/halle.js'

const PACKAGES = process.env.HALLE_PLUGINS ?? join(ROOT, 'target/plugins')
const DATA = '/data-fair/api/v1'

/** Bytes a second of the browser's upload: slow enough to see the bar move. */
const UPLOAD_BYTES_PER_S = 3 << 20

let stations
let halle
let chrome
let page

before(async () => {
  stations = await startStations()
  halle = await startHalle([stations.origin])
  chrome = await openBrowser(halle.url)
  page = await (await chrome.context()).newPage()
})

after(async () => {
  await chrome?.close()
  await halle?.stop()
  await stations?.stop()
})

/** Opens a screen of the back office and waits for its heading. */
async function open(path, heading) {
  await page.goto(`${halle.url}/admin${path}`)
  await page.getByRole('heading', { level: 1, name: heading }).waitFor()
}

/** Reads JSON with the session of the page. */
async function read(path) {
  const answer = await page.request.get(`${halle.url}${path}`)
  assert.ok(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`)
  return answer.json()
}

/** Turns the switch of the resource on the screen. */
async function makePublic() {
  await page.getByLabel(/^Privé/).check()
  await page.getByLabel(/^Public/).waitFor()
}

function packageOf(plugin) {
  const name = existsSync(PACKAGES) && readdirSync(PACKAGES).find(file => file.startsWith(plugin) && file.endsWith('.halle-plugin'))
  assert.ok(name, `no package of ${plugin} in ${PACKAGES}: run \`cargo xtask plugins\``)
  return join(PACKAGES, name)
}

/** Installs a package through the screens: nothing is granted before what it asks for was shown. */
async function install(plugin, heading) {
  await open('/plugins', 'Extensions')
  await page.locator('input[name=package]').setInputFiles(packageOf(plugin))
  await page.getByLabel(/Accepter un paquet non signé/).check()
  await page.getByRole('button', { name: 'Installer' }).click()
  await page.getByRole('heading', { level: 1, name: heading }).waitFor()
  const { granted } = await read(`/registry/api/v1/artefacts/${plugin}`)
  assert.equal(granted, false, 'a plugin was granted something before anybody consented')
}

test('signing in: a wrong password is told, the right one opens the session', async () => {
  await page.goto(`${halle.url}/admin/`)
  await page.getByRole('heading', { name: 'Connexion' }).waitFor()
  await inspect(page, '01-sign-in')
  await page.getByLabel('Adresse électronique').fill(EMAIL)
  await page.getByLabel('Mot de passe').fill('wrong')
  await page.getByLabel('En mode administration').check()
  await page.getByRole('button', { name: 'Se connecter' }).click()
  await page.getByRole('alert').getByText('inconnu').waitFor()
  await page.getByLabel('Mot de passe').fill(PASSWORD)
  await page.getByRole('button', { name: 'Se connecter' }).click()
  await page.getByRole('heading', { level: 1, name: 'Jeux de données' }).waitFor()
  await page.locator('[data-test=admin-mode]').waitFor()
  await inspect(page, '02-datasets-empty')
})

test('an upload shows its progress, then its stages live until it is ready', async () => {
  await open('/datasets', 'Jeux de données')
  const network = await page.context().newCDPSession(page)
  await network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: UPLOAD_BYTES_PER_S })
  const buffer = gunzipSync(readFileSync(join(ROOT, 'deploy/demo/communes.csv.gz')))
  await page.locator('input[name=file]').setInputFiles({ name: 'communes.csv', mimeType: 'text/csv', buffer })
  await page.getByLabel('Titre (facultatif)').fill('Communes')
  const bar = page.locator('[data-test=upload-progress]').waitFor()
  await page.getByRole('button', { name: 'Envoyer' }).click()
  await bar
  await shot(page, '03-upload')
  await page.getByRole('heading', { level: 1, name: 'Communes' }).waitFor()
  await network.detach()
  await page.locator('[data-stage=analyze]').waitFor()
  await shot(page, '04-stages')
  await page.locator('[data-stage=finalize][data-done=true]').waitFor({ timeout: 120_000 })
  await page.locator('[data-test=dataset-status][data-status=finalized]').waitFor()
  await page.locator('[data-test=preview]').getByText("L'Abergement-Clémenciat").waitFor()
  await page.getByText('en direct').waitFor({ state: 'attached' })
  await inspect(page, '05-dataset')
})

test('a broken file says which line and why', async () => {
  await open('/datasets', 'Jeux de données')
  await page.locator('input[name=file]').setInputFiles(join(ROOT, 'deploy/demo/casse.csv'))
  await page.getByRole('button', { name: 'Envoyer' }).click()
  const reason = page.locator('[data-test=reason]')
  await reason.waitFor({ timeout: 60_000 })
  assert.match(await reason.innerText(), /ligne \d+/i)
  await inspect(page, '06-dataset-broken')
})

test('one switch makes a dataset public', async () => {
  await open('/datasets', 'Jeux de données')
  await page.getByRole('link', { name: 'Communes' }).click()
  await makePublic()
  await page.getByRole('link', { name: 'Page publique' }).waitFor()
  const id = new URL(page.url()).pathname.split('/').at(-1)
  const anonymous = await fetch(`${halle.url}${DATA}/datasets/${id}/lines?size=1`)
  assert.equal(anonymous.status, 200)
})

/** Sends a table as the page would, with its session. */
async function send(method, path, csv) {
  const status = await page.evaluate(async ([method, path, csv]) => {
    const form = new FormData()
    form.set('file', new File([csv], 'mesures.csv', { type: 'text/csv' }))
    return (await fetch(path, { method, body: form })).status
  }, [method, `${DATA}${path}`, csv])
  assert.ok(status < 300, `${method} ${path}: ${status}`)
}

test('a file that waits is looked at, then published or dropped', async () => {
  await send('PUT', '/datasets/mesures?draft=true', 'code,valeur\na1,10\na2,20\n')
  await open('/datasets/mesures', 'mesures')
  const draft = page.locator('[data-test=draft]')
  await draft.locator('[data-test=draft-status][data-status=finalized]').waitFor({ timeout: 60_000 })
  await page.locator('[data-test=dataset-status]').getByText('brouillon').waitFor()
  await page.locator('[data-test=preview]').getByText('a2').waitFor()
  await inspect(page, '05a-draft')
  await draft.getByRole('button', { name: 'Valider et publier' }).click()
  await page.locator('[data-test=dataset-status][data-status=finalized]').waitFor({ timeout: 60_000 })
  await draft.waitFor({ state: 'detached' })
  assert.equal((await read(`${DATA}/datasets/mesures/lines?size=0`)).total, 2)

  await send('POST', '/datasets/mesures?draft=never', 'code\na1\na2\na3\n')
  await draft.locator('[data-test=draft-status][data-status=finalized]').waitFor({ timeout: 60_000 })
  await draft.locator('[data-test=draft-removed]').getByText('valeur').waitFor()
  await inspect(page, '05b-draft-of-published')
  await page.getByRole('button', { name: 'English' }).click()
  await draft.getByRole('button', { name: 'Validate and publish' }).waitFor()
  page.once('dialog', dialog => dialog.accept())
  await draft.getByRole('button', { name: 'Drop' }).click()
  await draft.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Français' }).click()
  assert.equal((await read(`${DATA}/datasets/mesures/lines?size=0&draft=true`)).total, 2)
})

test('a plugin shows what it asks for before it is granted', async () => {
  await install('import-api', "Import d'une API JSON")
  const asked = page.locator('[data-test=asked]')
  await asked.getByText('Sites appelés').waitFor()
  await asked.getByText(/« apiURL »/).waitFor()
  await asked.getByText('auth/token').waitFor()
  await asked.getByText('Limites de chaque appel').waitFor()
  await page.locator('[data-test=unsigned]').waitFor()
  await inspect(page, '07-consent')
  await page.locator('[data-test=grant]').click()
  await page.locator('[data-test=granted]').waitFor()
  await open('/plugins', 'Extensions')
  await page.locator('[data-test=plugins]').getByText('autorisée').waitFor()
  await inspect(page, '08-plugins')
})

test('a processing is configured by the form of its plugin, and its log is followed', async () => {
  await open('/forms/processings', 'Nouveau traitement')
  await page.getByLabel("Adresse de l'API").fill(stations.url)
  await inspect(page, '09-processing-form')
  await page.getByLabel('Titre', { exact: true }).fill('Stations')
  await page.getByLabel('Chemin vers la liste des résultats').fill('results')
  await page.getByRole('combobox', { name: 'Pagination' }).press('ArrowDown')
  await page.getByRole('option', { name: 'Adresse de la page suivante dans la réponse' }).click()
  await page.getByLabel("Chemin vers l'adresse de la page suivante").fill('next')
  await page.getByRole('button', { name: 'Ajouter un élément' }).first().click()
  await page.getByLabel('Nom de la colonne').fill('nom')
  await page.getByLabel('Chemin dans un résultat').fill('name')
  await page.getByLabel('ou titre de celui à créer').fill('Stations')
  await page.getByLabel('Actif').check()
  await page.locator('[data-test=save]').click()
  await page.getByRole('heading', { level: 1, name: 'Stations' }).waitFor()
  await page.locator('[data-test=trigger]').click()
  const run = page.locator('[data-test=run]')
  await run.locator('[data-status=running]').waitFor()
  await run.getByText('en direct').waitFor()
  await shot(page, '10-run-live')
  await run.locator('[data-status=finished]').waitFor({ timeout: 60_000 })
  assert.ok((await run.getByRole('log').innerText()).length > 20, 'the log of the run is empty')
  await inspect(page, '11-run')
})

test('what the server refuses is told beside its field until it is changed', async () => {
  const { results } = await read('/processings/api/v1/processings')
  const { _id: id, config } = results.find(({ title }) => title === 'Stations')
  await configure(id, { ...config, auth: { authMethod: 'bearerAuth', token: 'un-jeton' } })
  await open(`/forms/processings/${id}`, 'Modifier le traitement')
  await page.getByLabel("Adresse de l'API").fill('https://ailleurs.example/stations')
  await page.locator('[data-test=save]').click()
  await page.getByRole('alert').getByText('config/auth/token').waitFor()
  const beside = page.locator('[data-test=config-form] .v-input', { has: page.getByLabel('Jeton', { exact: true }) })
  const told = beside.getByText('saisissez de nouveau ce secret')
  await told.waitFor()
  const [red, green, blue] = (await told.evaluate(text => getComputedStyle(text).color)).match(/\d+/g).map(Number)
  assert.ok(red > 2 * green && red > 2 * blue, 'what is refused is not told in the colour of errors')
  await inspect(page, '11-refused')
  await beside.getByLabel('Jeton', { exact: true }).fill('un-autre')
  await told.waitFor({ state: 'detached' })
  assert.equal((await read(`/processings/api/v1/processings/${id}`)).config.apiURL, config.apiURL, 'a refused change was kept')
  await page.locator('[data-test=save]').click()
  await page.getByRole('heading', { level: 1, name: 'Stations' }).waitFor()
  assert.equal((await read(`/processings/api/v1/processings/${id}`)).config.apiURL, 'https://ailleurs.example/stations')
  await configure(id, config)
})

test('what a plugin remarks on a configuration is told once it is saved', async () => {
  const { results } = await read('/processings/api/v1/processings')
  const { _id: id, config } = results.find(({ title }) => title === 'Stations')
  await configure(id, { ...config, auth: { authMethod: 'basicAuth', username: 'moi' } })
  await open(`/processings/${id}`, 'Stations')
  assert.equal(await page.locator('[data-test=notes]').count(), 0, 'nothing was saved on this page')
  await open(`/forms/processings/${id}`, 'Modifier le traitement')
  await page.locator('[data-test=save]').click()
  await page.getByRole('heading', { level: 1, name: 'Stations' }).waitFor()
  await page.locator('[data-test=notes]').getByText('Aucun secret').waitFor()
  await inspect(page, '11-notes')
  await open(`/processings/${id}`, 'Stations')
  assert.equal(await page.locator('[data-test=notes]').count(), 0, 'what was told once is told again')
  await configure(id, config)
})

/** Gives a processing another configuration, as a program would. */
async function configure(id, config) {
  const answer = await page.request.patch(`${halle.url}/processings/api/v1/processings/${id}`, { data: { config } })
  assert.ok(answer.ok(), await answer.text())
}

/** Packs the next version of a plugin, which calls one more site; the path of the package. */
function nextVersion(plugin) {
  const component = join(PACKAGES, `${plugin}.wasm`)
  assert.ok(existsSync(component), `no component of ${plugin} in ${PACKAGES}: run \`cargo xtask plugins\``)
  const source = mkdtempSync(join(tmpdir(), 'halle-next-'))
  const manifest = readFileSync(join(ROOT, 'plugins', plugin, 'plugin.toml'), 'utf8')
  writeFileSync(join(source, 'plugin.toml'), `${manifest.replace(/^version = .*$/m, 'version = "9.0.0"')}\n[http.more]\norigins = ["https://autre.example"]\n`)
  writeFileSync(join(source, 'README.md'), '# Plus de sites')
  const packed = spawnSync(BINARY, ['plugin', 'pack', source, '--component', component], { encoding: 'utf8' })
  assert.equal(packed.status, 0, packed.stderr)
  return packed.stdout.trim()
}

test('an upgrade that asks for more waits for consent, and every version is a click away', async () => {
  const { version } = await read('/registry/api/v1/artefacts/import-api')
  const running = text => page.locator('[data-test=version]', { hasText: text }).waitFor()
  await open('/plugins/import-api', "Import d'une API JSON")
  await page.locator('[data-test=uses]').getByRole('link', { name: 'Stations' }).waitFor()
  const used = page.locator('[data-test=usage]').getByRole('row', { name: /Stations/ })
  await used.getByText(version, { exact: true }).waitFor()
  assert.match(await used.innerText(), /Mio/, 'the memory of the run is not told')
  await page.locator('input[name=package]').setInputFiles(nextVersion('import-api'))
  await page.getByLabel(/Accepter un paquet non signé/).check()
  await page.getByRole('button', { name: 'Envoyer' }).click()
  await page.locator('[data-test=waiting]').getByText(`version ${version}, qui tourne toujours`).waitFor()
  await running(version)
  assert.equal(await page.locator('[data-test=added]').count(), 1)
  assert.equal(await page.getByLabel('https://autre.example').isChecked(), false, 'what is new was ticked by itself')
  await inspect(page, '11a-upgrade')
  await page.getByRole('button', { name: 'English' }).click()
  await page.locator('[data-test=waiting]').getByText(`version ${version}, which still runs`).waitFor()
  await page.getByRole('button', { name: 'Français' }).click()

  await page.getByLabel('https://autre.example').check()
  await page.locator('[data-test=grant]').click()
  await running('9.0.0')
  await page.getByRole('link', { name: 'Documentation' }).waitFor()
  await page.locator(`[data-version="${version}"][data-state=kept]`).getByRole('button', { name: 'Revenir' }).click()
  await running(version)
  await inspect(page, '11b-versions')

  page.once('dialog', dialog => dialog.accept())
  await page.locator('[data-test=remove]').click()
  await page.getByRole('alert').getByText('Stations').waitFor()
  await page.locator('[data-test=disable]').click()
  await page.locator('[data-test=disabled]').waitFor()
  await page.locator('[data-test=disable]').click()
  await page.locator('[data-test=disabled]').waitFor({ state: 'detached' })

  await page.getByLabel('Tous les comptes').uncheck()
  await page.getByLabel('Identifiant du compte').fill('ville')
  await page.getByRole('button', { name: 'Ajouter' }).click()
  await page.locator('[data-test=accounts]').getByText('ville').waitFor()
  await page.locator('[data-test=save-access]').click()
  await inspect(page, '11c-access')
  const shown = await read('/registry/api/v1/artefacts/import-api')
  assert.deepEqual([shown.public, shown.privateAccess[0].id], [false, 'ville'])
})

test('a chart is previewed', async () => {
  await install('chart', 'Graphique')
  await page.locator('[data-test=asked]').getByText(/^Rien/).waitFor()
  await page.locator('[data-test=grant]').click()
  await page.locator('[data-test=granted]').waitFor()
  await open('/forms/applications', 'Nouvelle visualisation')
  await page.getByLabel('Jeu de données', { exact: true }).fill('Communes')
  await page.getByRole('option', { name: 'Communes' }).click()
  await page.getByLabel('Titre', { exact: true }).first().fill('Communes par région')
  await page.getByRole('combobox', { name: 'Grouper par' }).press('ArrowDown')
  await page.getByRole('option', { name: 'Région', exact: true }).click()
  await inspect(page, '12-chart-form')
  await page.locator('[data-test=save]').click()
  await page.getByRole('heading', { level: 1, name: 'Communes par région' }).waitFor()
  await makePublic()
  const drawn = page.locator('[data-test=drawing]')
  await drawn.waitFor()
  await page.waitForFunction(image => image.complete && image.naturalWidth > 0, await drawn.elementHandle())
  await inspect(page, '13-chart')
})

/** Sets how many seconds of a day plugins may compute for the account of the page; -1 for no limit. */
async function limitPlugins(seconds) {
  const { account } = await read('/simple-directory/api/auth/my-session')
  const answer = await page.request.post(`${halle.url}${DATA}/limits/${account.type}/${account.id}`, { data: { plugin_seconds: seconds } })
  assert.ok(answer.ok(), `${answer.status()} ${await answer.text()}`)
}

test('who administers an account sees what plugins used for it, and what is left of its share', async () => {
  const asked = []
  const note = request => { if (request.url().includes('/registry/api/')) asked.push(request.url()) }
  page.on('request', note)
  await open('/usage', 'Consommation')
  const share = page.locator('[data-test=share]')
  await share.getByText('pas de limite').waitFor()
  const lines = page.locator('[data-test=usage] tbody')
  await lines.locator('[data-line=import-api]').waitFor()
  page.off('request', note)
  assert.equal(asked.length, 1, `one request tells what every plugin used: ${asked}`)
  const cells = await lines.locator('[data-line=import-api] td.text-right').allTextContents()
  assert.equal(cells.length, 9, `calls, times, memory, host calls, bytes: ${cells}`)
  assert.match(cells[4], /^[1-9]/, `it called the host: ${cells}`)
  // Given to the plugin, given by it, and received by its requests.
  for (const index of [5, 6, 7]) assert.match(cells[index], /^[1-9].* (o|Kio|Mio|Gio)$/, `bytes in a readable unit: ${cells}`)
  await inspect(page, '17-usage')
  await page.getByRole('button', { name: 'Jour par jour' }).click()
  await lines.getByText(new Date().toLocaleDateString('fr', { dateStyle: 'medium', timeZone: 'UTC' })).waitFor()
  await inspect(page, '17-usage-by-day')
  await limitPlugins(3_600)
  await open('/usage', 'Consommation')
  await share.getByText(/sur 3[\s\u202f]600 s, il reste/).waitFor()
  await lines.waitFor()
  await inspect(page, '17-usage-limited')
  await limitPlugins(0)
  await page.getByRole('button', { name: 'English' }).click()
  await open('/usage', 'Usage')
  await page.locator('[data-test=used-up]').getByText('used up').waitFor()
  await lines.waitFor()
  await inspect(page, '17-usage-used-up-english')
  await page.getByRole('button', { name: 'Français' }).click()
  await open('/processings', 'Traitements')
  await page.getByRole('link', { name: 'Stations' }).click()
  // The server believes a limit that left time for ten seconds.
  await page.waitForTimeout(11_000)
  await page.locator('[data-test=trigger]').click()
  const refused = page.getByRole('alert').getByText('plugin_seconds')
  // Without plugins, no page after this one would have a drawing.
  await refused.waitFor().finally(() => limitPlugins(-1))
})

test('every list opens, in English too', async () => {
  for (const [path, heading, name] of [['/processings', 'Traitements', '14-processings'], ['/catalogs', 'Catalogues', '15-catalogs'], ['/applications', 'Visualisations', '16-applications']]) {
    await open(path, heading)
    await inspect(page, name)
  }
  await open('/datasets', 'Jeux de données')
  await page.getByRole('button', { name: 'English' }).click()
  await page.getByRole('heading', { level: 1, name: 'Datasets' }).waitFor()
  await inspect(page, '18-datasets-english')
  await page.getByRole('button', { name: 'Français' }).click()
})

test('public pages are whole without JavaScript', async () => {
  const still = await (await chrome.context({ javaScriptEnabled: false })).newPage()
  const visit = async (path, name, ...texts) => {
    assert.equal((await still.goto(`${halle.url}${path}`)).status(), 200, path)
    await shot(still, name)
    const words = await still.locator('body').innerText()
    for (const text of texts) assert.ok(words.includes(text), `${path} does not show ${text}`)
  }
  await visit('/', '20-home')
  await visit('/datasets', '21-catalogue', 'Communes')
  await visit('/datasets?q=communes', '22-search', 'Communes')
  await visit('/datasets/communes', '23-dataset', "L'Abergement-Clémenciat")
  assert.ok(await still.locator('table caption').count() > 0, 'the table has no caption')
  assert.ok(await still.locator('svg[role=img], img[src*=drawing]').count() > 0, 'the page has no chart')
  const phone = await (await chrome.context({ viewport: { width: 375, height: 800 } })).newPage()
  for (const [path, name] of [['/', '24-home-phone'], ['/datasets', '25-catalogue-phone'], ['/datasets/communes', '26-dataset-phone']]) {
    await phone.goto(`${halle.url}${path}`)
    await inspect(phone, name)
    const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    assert.ok(overflow <= 0, `${path} is ${overflow} pixels wider than a phone`)
  }
})

test('no page asked another site for anything, and no policy was broken', () => {
  assert.deepEqual(chrome.foreign, [])
  assert.deepEqual(chrome.blocked, [])
})
