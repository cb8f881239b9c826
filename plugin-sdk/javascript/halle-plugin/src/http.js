// Calling APIs: JSON, links, pages, query parameters. Connectors and processings only; adapters use the messages.

import { ask, host } from "./host.js";
import { Problem, faultOf, problemOfAnswer } from "./problem.js";
import { checkCancelled } from "./run.js";
import { decodeUtf8, encodeUtf8 } from "./text.js";

const COME_BACK_LATER = [429, 502, 503, 504];

/**
 * A request, as the contract has it. `body` is a text, bytes, or anything else as JSON; `auth` names the secret that
 * authorises it.
 */
export function request(method, url, { headers = {}, body, auth = null, timeoutMs = null, maxBytes = null } = {}) {
  const list = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  if (body !== undefined && !isRaw && !list.some(([name]) => name === "content-type")) {
    list.push(["content-type", "application/json"]);
  }
  const text = isRaw || body === undefined ? body : JSON.stringify(body);
  const bytes = typeof text === "string" ? encodeUtf8(text) : (text ?? null);
  return { method, url, headers: list, body: bytes, auth, timeoutMs, maxBytes };
}

/** An answer, whole. */
export class Response {
  constructor({ status, headers, body, truncated }, url) {
    Object.assign(this, { status, headers, body, truncated, url });
  }

  /** The first header with a name, or `null`. */
  header(name) {
    return this.headers.find(([key]) => key === name.toLowerCase())?.[1] ?? null;
  }

  /** Whether the status is 2xx. */
  get isOk() {
    return this.status >= 200 && this.status < 300;
  }

  /** What it means when it is not 2xx, as `faultOf` has it; else `null`. */
  get fault() {
    return faultOf(this.status);
  }

  /** The body as text. */
  text() {
    return decodeUtf8(this.body);
  }

  /** Itself when the status is 2xx; else throws `remote/status`, with the beginning of the answer. */
  ok() {
    if (this.isOk) return this;
    const { url, status } = this;
    throw problemOfAnswer({ url, status, retryAfter: this.header("retry-after"), said: this.text().slice(0, 300) });
  }

  /** The body as JSON; throws `remote/json` when it is not, `remote/too-large` when it was cut. */
  json() {
    if (this.truncated) throw new Problem("remote/too-large", `La réponse de ${this.url} est trop longue.`);
    try {
      return JSON.parse(this.text());
    } catch (error) {
      throw new Problem("remote/json", `La réponse de ${this.url} n'est pas du JSON : ${error.message}`);
    }
  }
}

/** Makes a request and reads the answer, of any status. */
export function send(message) {
  return new Response(ask(() => host("http").send(message)), message.url);
}

/** The JSON at a URL; statuses other than 2xx are problems. `options` are those of `request`. */
export function getJson(url, options = {}) {
  const headers = { accept: "application/json", ...options.headers };
  return send(request("GET", url, { ...options, headers })).ok().json();
}

/** Sends JSON and reads JSON; statuses other than 2xx are problems. */
export function postJson(url, body, options = {}) {
  const headers = { accept: "application/json", "content-type": "application/json", ...options.headers };
  return send(request("POST", url, { ...options, headers, body: JSON.stringify(body) })).ok().json();
}

/**
 * Makes the request again when the answer says to come back later (429, 502, 503, 504), at most `tries` times in all.
 * Plugins have no clock to wait by: the host paces requests.
 */
export function sendPatiently(message, tries = 3) {
  for (let left = Math.max(1, tries); ; left--) {
    const response = send(message);
    if (left === 1 || !COME_BACK_LATER.includes(response.status)) return response;
    checkCancelled();
  }
}

/**
 * The pages of an API, one after the other: `next(response)` says the URL of the page that follows, or nothing at the end;
 * by default the `rel=next` link of the answer. Looks between two pages whether somebody asked to stop, and ends with the
 * problem `remote/pages` after `max` of them.
 */
export function* pages(url, { next = nextLink, max = 10_000, ...options } = {}) {
  for (let page = 0; url; page++) {
    if (page >= max) throw new Problem("remote/pages", `Plus de ${max} pages : la suite de ${url} ne finit pas.`);
    if (page > 0) checkCancelled();
    const response = sendPatiently(request("GET", url, options)).ok();
    yield response;
    url = next(response);
  }
}

/** Makes a request and keeps the body of the answer on the host: for files. Throws `remote/status` unless it is 2xx. */
export function download(url, options = {}) {
  const answer = ask(() => host("http").download(request(options.method ?? "GET", url, options)));
  if (answer.status < 200 || answer.status >= 300) {
    const retryAfter = answer.headers?.find(([name]) => name === "retry-after")?.[1];
    throw problemOfAnswer({ url, status: answer.status, retryAfter });
  }
  return answer;
}

/** Makes a request whose body is a blob of the host. */
export function upload(message, blob) {
  return new Response(ask(() => host("http").upload(message, blob)), message.url);
}

/** A URL with query parameters added, encoded; those that are `null` or `undefined` are left out. */
export function withQuery(url, params) {
  const [base, fragment] = splitOnce(url, "#");
  const pairs = Object.entries(params).filter(([, value]) => value !== null && value !== undefined);
  const query = pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  const joined = query === "" ? base : `${base}${base.includes("?") ? "&" : "?"}${query}`;
  return fragment === undefined ? joined : `${joined}#${fragment}`;
}

/** Percent-encodes everything but unreserved characters, for one path segment or query value. */
export function encode(text) {
  const escape = (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(String(text)).replace(/[!'()*]/g, escape);
}

/** The target of `rel=next` in the `Link` header of an answer, or `null`. */
export function nextLink(response) {
  for (const link of (response.header("link") ?? "").split(/,(?=\s*<)/)) {
    const found = /^\s*<([^>]*)>(.*)$/.exec(link);
    if (found && /;\s*rel="?next"?\s*(;|$)/i.test(found[2])) return found[1];
  }
  return null;
}

/** The origin of a URL (`https://example.org:8443`), without path; `null` when it has none. */
export function origin(url) {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.exec(url)?.[0] ?? null;
}

function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
