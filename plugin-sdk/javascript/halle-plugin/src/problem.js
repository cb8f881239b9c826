// `Problem`: what a person is told when something expected goes wrong.

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
