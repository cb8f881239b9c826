// Datasets by slot, files that stay on the host, small durable state.

import { batchOf, Rows } from "./columns.js";
import { ask, host } from "./host.js";
import { Problem } from "./problem.js";
import { decodeUtf8, encodeUtf8 } from "./text.js";

// What one call of the host reads or writes at most.
const READ_BYTES = 1 << 20;
// Rows that a batch holds at most.
const BATCH_ROWS = 4096;

/** A transaction on the dataset in a slot: nothing is visible before `commit`, and without it nothing happened. */
export class Writer {
  #writer;

  /** `mode`: `replace`, `append` or `upsert`. `fields` are the columns that `write` brings. */
  constructor(slot, mode, fields = []) {
    this.fields = fields;
    this.#writer = ask(() => host("datasets").openWrite(slot, mode, fields));
  }

  /** Adds rows: a batch, or a list of objects. Answers how many were accepted, and the problems of the others. */
  write(rows) {
    if (!Array.isArray(rows)) return this.#write(rows);
    const report = { accepted: 0, problems: [] };
    for (let from = 0; from < rows.length; from += BATCH_ROWS) {
      const part = this.#write(batchOf(this.fields, rows.slice(from, from + BATCH_ROWS)));
      report.accepted += part.accepted;
      report.problems.push(...part.problems.map(({ row, problem }) => ({ row: row + from, problem })));
    }
    return report;
  }

  #write(batch) {
    const report = ask(() => this.#writer.write(batch));
    const problems = report.problems.map(([row, problem]) => ({ row, problem: Problem.from(problem) }));
    return { accepted: Number(report.accepted), problems };
  }

  /** Makes a file of the host, such as a download, the content of the dataset; the ending of `name` tells the format. */
  replaceFile(name, blob) {
    ask(() => this.#writer.replaceFile(name, blob));
  }

  /** Makes everything visible at once, and answers how many rows were written. */
  commit() {
    return Number(ask(() => host("datasets").Writer.commit(this.#writer)).rows);
  }
}

/** Begins a transaction on the dataset in a slot. */
export function openWrite(slot, mode, fields = []) {
  return new Writer(slot, mode, fields);
}

/** The lines of the dataset in a slot, batch by batch. `query` holds parameters of `/lines`: `select`, `qs`, `sort`, filters. */
export function* readDataset(slot, query = {}) {
  yield* batches(ask(() => host("datasets").openRead(slot, JSON.stringify(query))));
}

/** The rows of the reference table in a slot, batch by batch. Enrichers. */
export function* readReference(slot) {
  yield* batches(ask(() => host("reference").open(slot)));
}

function* batches(reader) {
  const fields = ask(() => reader.schema());
  for (let batch; (batch = ask(() => reader.next(0))); ) yield new Rows(fields, batch);
}

/** The rows of a CSV file of the host, batch by batch, each column as text. */
export function* csvRows(blob, { delimiter = "," } = {}) {
  yield* batches(ask(() => blob.csv(JSON.stringify({ delimiter }))));
}

/** The lines of a text file of the host, one by one. */
export function* lines(blob) {
  const reader = ask(() => blob.lines());
  for (let part; (part = ask(() => reader.next(0))).length > 0; ) yield* part;
}

/** The whole content of a file of the host as text. For small files: it comes into the plugin's memory. */
export function readText(blob) {
  const size = Number(ask(() => blob.size()));
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += READ_BYTES) bytes.set(ask(() => blob.read(at, READ_BYTES)), at);
  return decodeUtf8(bytes);
}

/** A file of the host made of texts, bytes and other files, one after the other. */
export function blobOf(...parts) {
  const { BlobWriter } = host("blobs");
  const writer = ask(() => new BlobWriter());
  for (const part of parts) {
    const bytes = typeof part === "string" ? encodeUtf8(part) : part;
    if (!(bytes instanceof Uint8Array)) {
      ask(() => writer.appendBlob(bytes));
      continue;
    }
    for (let at = 0; at < bytes.length; at += READ_BYTES) {
      ask(() => writer.append(bytes.slice(at, at + READ_BYTES)));
    }
  }
  return ask(() => BlobWriter.finish(writer));
}

/** The dataset that is being published, as a file of the host. Connectors, during `publish`. */
export function sourceFile(format = "csv") {
  return ask(() => host("source").file(format));
}

/** Small durable state of this installation, as JSON. Needs `[state]` in the manifest. */
export const state = {
  /** Value and revision of a key, or `null`. */
  get(key) {
    const found = ask(() => host("state").get(key));
    return found ? { value: JSON.parse(decodeUtf8(found[0])), revision: Number(found[1]) } : null;
  },
  /** Writes a key, and answers its new revision. With `expected` (0: no such key yet), throws `state/conflict` when it moved. */
  put(key, value, expected = null) {
    return Number(ask(() => host("state").put(key, encodeUtf8(JSON.stringify(value)), expected)));
  },
  /** Removes a key, if it is there. */
  delete(key) {
    ask(() => host("state").delete(key));
  },
  /** Keys that start with `prefix`, in order, all of them. */
  *keys(prefix = "") {
    let after = null;
    for (;;) {
      const found = ask(() => host("state").keys(prefix, after, 0));
      if (found.length === 0) return;
      yield* found;
      after = found.at(-1);
    }
  },
};
