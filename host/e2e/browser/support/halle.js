import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const ROOT = resolve(import.meta.dirname, '../../../..')
export const BINARY = process.env.HALLE_BINARY ?? join(ROOT, 'target/debug/halle')
export const EMAIL = 'admin@example.org'
export const PASSWORD = 'Halle-demo-2026!'

/** Milliseconds until a server must be ready. */
const READY_WITHIN_MS = 60_000

/** A port that was free a moment ago. */
function freePort() {
  return new Promise((resolvePort, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolvePort(port))
    })
  })
}

/** Starts a `halle serve` over an empty folder and waits until it is ready. `stop` ends it and removes the folder. */
export async function startHalle(privateOrigins) {
  const data = mkdtempSync(join(tmpdir(), 'halle-browser-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const log = openSync(join(data, 'server.log'), 'w')
  const child = spawn(BINARY, ['serve', '--listen', `127.0.0.1:${port}`, '--data-dir', data], {
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      HALLE_PUBLIC_URL: url,
      HALLE_ADMIN_EMAIL: EMAIL,
      HALLE_ADMIN_PASSWORD: PASSWORD,
      HALLE_ALLOWED_PRIVATE_ORIGINS: privateOrigins.join(',')
    }
  })
  const ended = new Promise(done => child.once('exit', done).once('error', done))
  const stop = async () => {
    child.kill('SIGTERM')
    const patience = setTimeout(() => child.kill('SIGKILL'), 30_000)
    await ended
    clearTimeout(patience)
    rmSync(data, { recursive: true, force: true })
  }
  const deadline = Date.now() + READY_WITHIN_MS
  while (Date.now() < deadline && child.exitCode === null) {
    if (await fetch(`${url}/readyz`).then(answer => answer.ok, () => false)) return { url, stop }
    await sleep(100)
  }
  const said = readFileSync(join(data, 'server.log'), 'utf8').slice(-4_000)
  await stop()
  throw new Error(`${BINARY} is not ready: ${said}`)
}

/** A small JSON API that a processing imports; each page takes a while, so that a run can be watched. */
export async function startStations() {
  const server = createServer(async (request, response) => {
    const offset = Number(new URL(request.url, 'http://fixture').searchParams.get('offset') ?? 0)
    await sleep(300)
    const results = Array.from({ length: 50 }, (_, i) => ({ id: `S${offset + i}`, name: `Station ${offset + i}`, capacity: 10 + ((offset + i) % 23) }))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ results, next: offset < 200 ? `/api/stations?offset=${offset + 50}` : null }))
  })
  await new Promise(ready => server.listen(0, '127.0.0.1', ready))
  const origin = `http://127.0.0.1:${server.address().port}`
  return { origin, url: `${origin}/api/stations`, stop: () => new Promise(done => server.close(done)) }
}
