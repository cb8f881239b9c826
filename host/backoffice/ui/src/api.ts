import { t } from './i18n'

/** Roots of the services, all on this origin. */
export const DATA = '/data-fair/api/v1'
export const DIRECTORY = '/simple-directory/api'
export const REGISTRY = '/registry/api/v1/artefacts'
export const USAGE = '/registry/api/v1/usage'
export const PROCESSINGS = '/processings/api/v1'
export const CATALOGS = '/catalogs/api'

/** A page of results. */
export interface Page<T> {
  count: number
  results: T[]
}

/** An answer that is not a success; its message is for people. */
export class Refused extends Error {
  /** `pointer`: where what is wrong stands in what was sent, if the server says so, such as `/config/url`. */
  constructor(readonly status: number, message: string, readonly pointer?: string) {
    super(message)
  }
}

/** Sends JSON and reads JSON. A message of the server is thrown as [`Refused`]. */
export async function call<T>(method: string, url: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, headers: { accept: 'application/json' } }
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers = { accept: 'application/json', 'content-type': 'application/json' }
  }
  const response = await fetch(url, init)
  const text = await response.text()
  if (!response.ok) throw refused(response.status, text)
  return decoded(response.headers.get('content-type'), text) as T
}

export const get = <T>(url: string) => call<T>('GET', url)
export const post = <T>(url: string, body?: unknown) => call<T>('POST', url, body)
export const put = <T>(url: string, body?: unknown) => call<T>('PUT', url, body)
export const patch = <T>(url: string, body?: unknown) => call<T>('PATCH', url, body)
export const remove = (url: string) => call<unknown>('DELETE', url)

/**
 * Sends a form with files. `fetch` cannot tell how much has left, `XMLHttpRequest` can: `progress` gets percents.
 */
export function upload<T>(url: string, form: FormData, progress: (percent: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', url)
    request.setRequestHeader('accept', 'application/json')
    request.upload.onprogress = event => {
      if (event.lengthComputable) progress(Math.round((event.loaded * 100) / event.total))
    }
    request.onerror = () => reject(new Refused(0, unreachable()))
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        resolve(decoded(request.getResponseHeader('content-type'), request.responseText) as T)
      } else {
        reject(refused(request.status, request.responseText))
      }
    }
    request.send(form)
  })
}

/** What went wrong, in words for people. */
export function words(error: unknown): string {
  if (error instanceof TypeError) return unreachable()
  return error instanceof Error ? error.message : String(error)
}

function decoded(mediaType: string | null, text: string): unknown {
  if (text === '') return undefined
  return mediaType?.includes('json') ? JSON.parse(text) : text
}

function refused(status: number, text: string): Refused {
  try {
    const problem = JSON.parse(text) as { detail?: string; pointer?: string }
    if (problem.detail) return new Refused(status, problem.detail, problem.pointer)
  } catch {
    // A sentence, as compatibility routes send it.
  }
  if (text && !text.startsWith('<')) return new Refused(status, text)
  if (status === 404) return new Refused(status, t("Ce service n'est pas disponible sur ce serveur.", 'This server does not have this service.'))
  return new Refused(status, t(`Le serveur a répondu ${status}.`, `The server answered ${status}.`))
}

function unreachable(): string {
  return t('Le serveur ne répond pas. Vérifiez la connexion.', 'The server does not answer. Check the connection.')
}
