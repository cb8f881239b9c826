// `Problem`: what a person is told when something expected goes wrong.

/** Faults that may pass. */
const MAY_PASS = ["busy", "failing"];

/** Codes of the host for exchanges that may succeed later. */
const PASSING = ["remote/timeout", "remote/unreachable", "http/timeout", "http/connect", "limit/rate"];

/** When to ask again a server that does not say it, in milliseconds. */
const LATER_MS = 30_000;

/**
 * What a status means for whoever asked: `unauthorized` (401, 403: a person has to act), `not-found` (404, 410), `busy` (429,
 * 503: later), `failing` (any other 5xx: may pass), `refused` (it will not be otherwise if it is asked again); `null` for 2xx.
 */
export function faultOf(status) {
  if (status >= 200 && status < 300) return null;
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 404 || status === 410) return "not-found";
  if (status === 429 || status === 503) return "busy";
  return status >= 500 && status < 600 ? "failing" : "refused";
}

/**
 * The problem `remote/status` of an answer other than 2xx; `said` is the beginning of what it says. One that may pass says when
 * to ask again, so that a run or an import that ends with it is tried again by itself.
 */
export function problemOfAnswer({ url, status, retryAfter, said = "" }) {
  const seconds = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : null;
  const later = MAY_PASS.includes(faultOf(status)) ? LATER_MS : null;
  const text = said.trim() === "" ? "" : ` : ${said.trim()}`;
  const retryAfterMs = seconds === null ? later : seconds * 1000;
  return new Problem("remote/status", `${url} a répondu ${status}${text}`, { retryAfterMs, details: { status } });
}

/**
 * Something a person must be told. Throw it: it is an answer, not a crash. Codes are open strings (`config/invalid`,
 * `remote/status`, `input/missing`, `cancelled`); those that start with `denied/` come from the host and mean that a grant
 * is missing.
 */
export class Problem extends Error {
  /** A code, a text for a person (what is wrong, where, what to do), and the rest where there is any. */
  constructor(code, message, { field = null, retryAfterMs = null, details = null } = {}) {
    super(message);
    this.name = "Problem";
    this.code = code;
    this.field = field;
    this.retryAfterMs = retryAfterMs;
    this.details = details;
  }

  /** A problem of the configuration, at a field named by JSON pointer (`/url`): the form shows the text there. */
  static config(field, message) {
    return new Problem("config/invalid", message, { field });
  }

  /** The status of the answer it is about, when it is `remote/status`; else `null`. */
  get status() {
    const status = this.code === "remote/status" ? this.details?.status : null;
    return Number.isInteger(status) ? status : null;
  }

  /** What that answer means, as `faultOf` has it; `null` when it is about none. */
  get fault() {
    return this.status === null ? null : faultOf(this.status);
  }

  /** Whether the same request may succeed later: a server that is busy or fails, or that was not reached. */
  get isTransient() {
    return MAY_PASS.includes(this.fault) || PASSING.includes(this.code);
  }

  /** What was thrown, as a problem: one of ours or of the host as it is, anything else as a bug of the plugin. */
  static from(thrown) {
    if (thrown instanceof Problem) return thrown;
    // The host's problems are plain records; some engines wrap what an import answers.
    const record = thrown?.payload ?? thrown;
    if (typeof record?.code === "string" && typeof record?.message === "string" && !(record instanceof Error)) {
      const details = typeof record.details === "string" ? parsed(record.details) : record.details;
      return new Problem(record.code, record.message, { ...record, details });
    }
    const where = thrown?.stack ? String(thrown.stack).trim() : null;
    return new Problem("plugin/exception", `L'extension a échoué : ${thrown}`, { details: where && { stack: where } });
  }

  /** The record of the contract. */
  toRecord() {
    return {
      code: this.code,
      message: this.message,
      field: this.field ?? null,
      retryAfterMs: this.retryAfterMs ?? null,
      details: this.details == null ? null : JSON.stringify(this.details),
    };
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
