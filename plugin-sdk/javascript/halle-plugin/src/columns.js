// Rows as they cross the border: by columns. Authors read through `Rows` and write through `BatchBuilder`.

import { formatDay, formatInstant, parseDay, parseInstant } from "./dates.js";
import { Problem } from "./problem.js";
import { decodeTexts, encodeTexts } from "./text.js";

/** What a column may hold. Kinds are an open list: one that is not here crosses as text. */
export const KINDS = ["text", "integer", "number", "boolean", "date", "date-time", "object"];

// The case of the contract's `column-data` for each kind.
const CASES = { integer: "ints", number: "floats", boolean: "bools", date: "days", "date-time": "instants" };

/** A column: its key, what it holds, and what else is known. Values may be missing unless `nullable` is false. */
export function field(key, kind, { title = null, concept = null, nullable = true } = {}) {
  return { key, kind, nullable, title, concept };
}

/** A bitmap of truth values, least significant bit first. */
export function bitmap(values) {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) if (values[i]) bytes[i >> 3] |= 1 << (i & 7);
  return bytes;
}

const bit = (bytes, index) => ((bytes[index >> 3] >> (index & 7)) & 1) === 1;

/** Reads the values of one column. Look it up once, before the loop over the rows. */
export class Column {
  #valid;
  #values;
  #texts = null;

  constructor(field, column) {
    this.field = field;
    this.#valid = column.valid;
    this.tag = column.data.tag;
    if (this.tag === "texts") {
      this.#texts = decodeTexts(column.data.val);
      // Looked up once here, instead of at each value.
      if (this.#valid.length > 0) this.#texts = this.#texts.map((text, row) => (bit(this.#valid, row) ? text : null));
    }
    this.#values = this.#texts ?? column.data.val;
  }

  /** Whether a row has a value. */
  has(row) {
    return this.#valid.length === 0 || bit(this.#valid, row);
  }

  /**
   * The value of a row as the contract has it, `null` when missing: a text, a number, a truth value, days since 1970, or
   * milliseconds since 1970.
   */
  raw(row) {
    if (!this.has(row) || this.tag === "bytes") return null;
    return this.tag === "bools" ? bit(this.#values, row) : (this.#values[row] ?? null);
  }

  /** The value of a row as JSON would have it, `null` when missing: dates as `2024-01-31`, instants as RFC 3339. */
  value(row) {
    const raw = this.raw(row);
    if (raw === null) return null;
    if (this.tag === "days") return formatDay(raw);
    if (this.tag === "instants") return formatInstant(Number(raw));
    return raw;
  }

  /** The text of a row; `null` when it has none, or an empty one. */
  text(row) {
    return (this.#texts && this.#texts[row]) || null;
  }

  /** The number of a row, or `null`. */
  number(row) {
    const raw = this.raw(row);
    return (this.tag === "ints" || this.tag === "floats") && raw !== null ? Number(raw) : null;
  }
}

/** The rows of a batch. */
export class Rows {
  #columns;

  constructor(fields, batch) {
    if (fields.length !== batch.columns.length) {
      const message = `${batch.columns.length} colonnes reçues pour ${fields.length} annoncées`;
      throw new Problem("batch/columns", message);
    }
    /** What the columns are. */
    this.fields = fields;
    /** Number of rows. */
    this.length = batch.rows;
    this.#columns = fields.map((field, index) => new Column(field, batch.columns[index]));
  }

  /** The column at an index. */
  at(index) {
    const column = this.#columns[index];
    if (!column) throw missing(`n° ${index + 1}`);
    return column;
  }

  /** The column with a key; the problem `input/missing` when there is none. */
  column(key) {
    const index = this.fields.findIndex((field) => field.key === key);
    if (index < 0) throw missing(`« ${key} »`);
    return this.#columns[index];
  }

  /** The first column with a concept. */
  columnAbout(concept) {
    const index = this.fields.findIndex((field) => field.concept === concept);
    if (index < 0) throw missing(`de concept ${concept}`);
    return this.#columns[index];
  }

  /** A row as an object, missing values left out. */
  json(row) {
    const out = {};
    for (const column of this.#columns) {
      const value = column.value(row);
      if (value !== null) out[column.field.key] = value;
    }
    return out;
  }

  /** All rows as objects, one after the other: handy, and slower than columns. */
  *[Symbol.iterator]() {
    for (let row = 0; row < this.length; row++) yield this.json(row);
  }
}

function missing(which) {
  return new Problem("input/missing", `Il manque une colonne ${which}.`);
}

/** Builds a batch row by row. */
export class BatchBuilder {
  #columns;
  #converters;

  constructor(fields) {
    this.fields = fields;
    this.#columns = fields.map(() => []);
    this.#converters = fields.map(({ kind }) => converter(kind));
    /** Rows so far. */
    this.length = 0;
  }

  /**
   * Adds a row: a list with one value per field in their order, or an object by keys. `null`, `undefined` and the empty
   * text are missing values. What a column cannot hold is left out, and its problem (`value/kind`) is in the list that is
   * returned.
   */
  push(values) {
    const { fields } = this;
    const isList = Array.isArray(values);
    if (isList && values.length !== fields.length) {
      throw new Problem("batch/columns", `${values.length} valeurs pour ${fields.length} colonnes`);
    }
    const columns = this.#columns;
    const problems = [];
    for (let index = 0; index < fields.length; index++) {
      const value = isList ? values[index] : values[fields[index].key];
      const isMissing = value === null || value === undefined || value === "";
      const converted = isMissing ? null : this.#converters[index](value);
      if (converted === undefined) problems.push(unfit(fields[index], value));
      columns[index].push(converted ?? null);
    }
    this.length++;
    return problems;
  }

  /** Adds a row without any value. */
  pushMissing() {
    return this.push({});
  }

  /** The batch, as the contract has it. */
  finish() {
    const columns = this.fields.map((field, index) => pack(field.kind, this.#columns[index]));
    return { rows: this.length, columns };
  }
}

/** A batch of rows given as objects. What a column cannot hold is the problem `value/kind`. */
export function batchOf(fields, rows) {
  const builder = new BatchBuilder(fields);
  for (const row of rows) {
    const [problem] = builder.push(row);
    if (problem) throw problem;
  }
  return builder.finish();
}

function pack(kind, values) {
  const valid = values.includes(null) ? bitmap(values.map((value) => value !== null)) : new Uint8Array(0);
  const tag = CASES[kind] ?? "texts";
  if (tag === "texts") return { valid, data: { tag, val: encodeTexts(values) } };
  if (tag === "bools") return { valid, data: { tag, val: bitmap(values) } };
  return { valid, data: { tag, val: numbers(tag, values) } };
}

function numbers(tag, values) {
  const filled = values.map((value) => value ?? 0);
  if (tag === "floats") return Float64Array.from(filled);
  return tag === "days" ? Int32Array.from(filled) : filled;
}

/** Turns values that are not missing into what a column of this kind holds; `undefined` when it cannot hold one. */
function converter(kind) {
  switch (kind) {
    case "integer":
      return wholeNumber;
    case "number":
      return finiteNumber;
    case "boolean":
      return (value) => (typeof value === "boolean" ? value : { true: true, false: false }[value]);
    case "date":
      return (value) => (typeof value === "string" ? (parseDay(value) ?? undefined) : undefined);
    case "date-time":
      return instant;
    default:
      return (value) => (typeof value === "string" ? value : JSON.stringify(value));
  }
}

function unfit(field, value) {
  const message = `« ${JSON.stringify(value)} » n'est pas une valeur de type ${field.kind} (colonne « ${field.key} »)`;
  return new Problem("value/kind", message);
}

function finiteNumber(value) {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function wholeNumber(value) {
  const number = finiteNumber(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

function instant(value) {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.getTime();
  return typeof value === "string" ? (parseInstant(value) ?? undefined) : undefined;
}
