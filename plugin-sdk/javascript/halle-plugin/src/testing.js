// A host in memory, for native tests of plugins with `node --test`.

import { batchOf, field, Rows } from "./columns.js";
import { parseCsv } from "./csv.js";
import { attach } from "./host.js";
import { Problem } from "./problem.js";
import { decodeUtf8, encodeUtf8 } from "./text.js";

const ROWS_MAX = 4096;

/** A file of the host, in memory. */
export class FakeBlob {
  constructor(content, mediaType = null) {
    this.bytes = typeof content === "string" ? encodeUtf8(content) : content;
    this.type = mediaType;
  }

  size() {
    return this.bytes.length;
  }

  mediaType() {
    return this.type;
  }

  read(offset, len) {
    if (len > 1 << 20) throw new Problem("limit/read-bytes", "at most 1 MiB at a time");
    return this.bytes.slice(offset, offset + len);
  }

  /** The content as text; only in tests. */
  text() {
    return decodeUtf8(this.bytes);
  }

  lines() {
    const all = this.text().split(/\r?\n/);
    if (all.at(-1) === "") all.pop();
    return { next: (max) => all.splice(0, Math.min(max || ROWS_MAX, ROWS_MAX)) };
  }

  csv(options) {
    const [header = [], ...rows] = parseCsv(this.text(), JSON.parse(options));
    const fields = header.map((name) => field(name, "text"));
    const objects = rows.map((row) => Object.fromEntries(row.map((cell, index) => [header[index], cell])));
    return tableReader(fields, objects);
  }

  unzip() {
    throw new Problem("blob/zip", "the fake host opens no archives: try the plugin with `halle plugin test`");
  }
}

class FakeBlobWriter {
  parts = [];

  append(bytes) {
    if (bytes.length > 1 << 20) throw new Problem("limit/write-bytes", "at most 1 MiB at a time");
    this.parts.push(...bytes);
  }

  appendBlob(blob) {
    this.parts.push(...blob.bytes);
  }

  static finish(writer) {
    return new FakeBlob(Uint8Array.from(writer.parts));
  }
}

function tableReader(fields, rows) {
  let read = 0;
  return {
    schema: () => fields,
    next(max) {
      const part = rows.slice(read, read + Math.min(max || ROWS_MAX, ROWS_MAX));
      read += part.length;
      return part.length === 0 ? null : batchOf(fields, part);
    },
  };
}

/** What a plugin may use in a test, and what it did. */
export class FakeHost {
  #answers = new Map();

  constructor({ config = {}, secrets = [], tables = {}, source = null, cancelAfter = Infinity } = {}) {
    /** The configuration. */
    this.config = config;
    /** Names of the secrets that have a value. */
    this.secrets = secrets;
    /** Tables to read, by slot: `{ fields, rows }`, rows as objects. */
    this.tables = tables;
    /** The dataset that is being published, as CSV. */
    this.source = source;
    /** Somebody asks to stop after so many questions. */
    this.cancelAfter = cancelAfter;
    /** Requests made, in order. */
    this.requests = [];
    /** What was written and committed: `{ slot, mode, rows }`, or `{ slot, mode, file, body }`. */
    this.written = [];
    /** Log records: `{ level, message, fields }`. */
    this.log = [];
    /** Tasks begun: `{ name, total, done }`. */
    this.tasks = [];
    /** State: value (bytes) and revision by key. */
    this.state = new Map();
  }

  /** Answers a request: a text or bytes as they are, anything else as JSON. A second answer is given the second time. */
  on(method, url, body = "", { status = 200, headers = {} } = {}) {
    const isRaw = typeof body === "string" || body instanceof Uint8Array;
    const bytes = typeof body === "string" ? encodeUtf8(body) : isRaw ? body : encodeUtf8(JSON.stringify(body));
    const list = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    if (!isRaw) list.push(["content-type", "application/json"]);
    const key = `${method} ${url}`;
    this.#answers.set(key, [...(this.#answers.get(key) ?? []), { status, headers: list, body: bytes, truncated: false }]);
    return this;
  }

  /** Runs something on this host, and answers what it answers. */
  run(call) {
    const before = attach(this.#interfaces());
    try {
      return call();
    } finally {
      attach(before);
    }
  }

  #answer(message) {
    this.requests.push(message);
    const answers = this.#answers.get(`${message.method} ${message.url}`);
    if (!answers) throw new Problem("denied/http", `unexpected request: ${message.method} ${message.url}`);
    return answers.length > 1 ? answers.shift() : answers[0];
  }

  #interfaces() {
    const blobs = { BlobWriter: FakeBlobWriter };
    return {
      log: { emit: (level, message, fields) => this.log.push({ level, message, fields: Object.fromEntries(fields) }) },
      progress: {
        task: (name, total) => this.tasks.push({ name, total, done: 0 }),
        advance: (done) => this.tasks.length > 0 && (this.tasks.at(-1).done = done),
      },
      cancel: { requested: () => this.cancelAfter-- <= 0, remainingMs: () => 60_000 },
      config: { get: () => JSON.stringify(this.config) },
      secrets: { names: () => this.secrets },
      blobs,
      http: this.#http(),
      state: this.#state(),
      datasets: this.#datasets(),
      reference: { open: (slot) => this.#table(slot) },
      source: { file: () => this.#source() },
    };
  }

  #http() {
    return {
      send: (message) => this.#answer(message),
      download: (message) => {
        const { status, headers, body } = this.#answer(message);
        return { status, headers, body: new FakeBlob(body) };
      },
      upload: (message, blob) => this.#answer({ ...message, body: blob.bytes }),
    };
  }

  #state() {
    return {
      get: (key) => this.state.get(key) ?? null,
      put: (key, value, expected) => {
        const current = this.state.get(key)?.[1] ?? 0;
        if (expected !== null && expected !== current) {
          throw new Problem("state/conflict", `« ${key} » est à la révision ${current}`);
        }
        this.state.set(key, [value, current + 1]);
        return current + 1;
      },
      delete: (key) => void this.state.delete(key),
      keys: (prefix, after) => {
        const keys = [...this.state.keys()].filter((key) => key.startsWith(prefix) && (after === null || key > after));
        return keys.sort();
      },
    };
  }

  #datasets() {
    const Writer = {
      commit: ({ slot, mode, rows, file }) => {
        this.written.push(file ? { slot, mode, ...file } : { slot, mode, rows });
        return { rows: rows.length };
      },
    };
    return {
      Writer,
      openRead: (slot) => this.#table(slot),
      openWrite: (slot, mode, fields) => ({
        slot,
        mode,
        rows: [],
        write(batch) {
          this.rows.push(...new Rows(fields, batch));
          return { accepted: batch.rows, problems: [] };
        },
        replaceFile(name, blob) {
          this.file = { file: name, body: blob.text() };
        },
      }),
    };
  }

  #table(slot) {
    const table = this.tables[slot];
    if (!table) throw new Problem("dataset/unbound", `no table in slot ${slot}`);
    return tableReader(table.fields, table.rows);
  }

  #source() {
    if (this.source === null) throw new Problem("dataset/unbound", "no dataset is being published");
    return new FakeBlob(this.source, "text/csv; charset=utf-8");
  }
}
