// Rows as they cross the border: by columns. Authors read through `Rows` and write through `BatchBuilder`.

import { formatDay, formatInstant, parseDay, parseInstant } from "./dates.js";
import { liftIntegers, lowerIntegers } from "./integers.js";
import { Problem } from "./problem.js";
import { encodeTexts, textReader } from "./text.js";

/** What a column may hold. Kinds are an open list: one that is not here crosses as text. */
export const KINDS = ["text", "integer", "number", "boolean", "date", "date-time", "object"];

// The case of the contract's `column-data` for each kind.
const CASES = { integer: "ints", number: "floats", boolean: "bools", date: "days", "date-time": "instants" };

// What most rows are answered: looked up once, made once.
const { isArray } = Array;
const NO_PROBLEMS = Object.freeze([]);

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
  // The bitmap of the rows that have a value; `null` when all have one.
  #valid;
  #values;
  #length;
  // Reads the text of a row, empty when it is missing; `null` where no texts are.
  #textAt = null;

  constructor(field, { valid, data }, length) {
    this.field = field;
    this.tag = data.tag;
    this.#valid = valid.length > 0 ? valid : null;
    this.#values = liftIntegers(data.val);
    this.#length = length;
    if (data.tag !== "texts") return;
    const read = textReader(data.val);
    this.#textAt = valid.length > 0 ? (row) => (bit(valid, row) ? read(row) : "") : read;
  }

  /** Whether a row has a value. */
  has(row) {
    return this.#valid === null || bit(this.#valid, row);
  }

  /**
   * The value of a row as the contract has it, `null` when missing: a text, a number, a truth value, days since 1970, or
   * milliseconds since 1970.
   */
  raw(row) {
    if (row >= this.#length || !this.has(row) || this.tag === "bytes") return null;
    if (this.#textAt) return this.#textAt(row);
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
    const read = this.#textAt;
    return (read !== null && read(row)) || null;
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
    this.#columns = fields.map((field, index) => new Column(field, batch.columns[index], batch.rows));
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
  // `null` for columns of texts, which hold a text as it is.
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
    const columns = this.#columns;
    const isList = isArray(values);
    if (isList && values.length !== columns.length) {
      throw new Problem("batch/columns", `${values.length} valeurs pour ${columns.length} colonnes`);
    }
    const converters = this.#converters;
    const row = this.length;
    let problems = NO_PROBLEMS;
    for (let index = 0; index < columns.length; index++) {
      const value = isList ? values[index] : values[this.fields[index].key];
      if (typeof value === "string" && converters[index] === null) {
        columns[index][row] = value;
        continue;
      }
      const held = convert(this.fields[index], converters[index], value);
      columns[index][row] = held.value;
      if (held.problem) problems = [...problems, held.problem];
    }
    this.length = row + 1;
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

/**
 * A batch of columns given as lists, one per field in their order, each with a value per row; what is missing is as in
 * `BatchBuilder.push`. The quickest way to answer many rows. What a column cannot hold is the problem `value/kind`.
 */
export function batchOfColumns(fields, columns) {
  const rows = columns[0]?.length ?? 0;
  if (columns.length !== fields.length || columns.some(({ length }) => length !== rows)) {
    const lengths = columns.map(({ length }) => length).join(", ");
    throw new Problem("batch/columns", `${columns.length} colonnes (${lengths} valeurs) pour ${fields.length}`);
  }
  return { rows, columns: fields.map((field, index) => pack(field.kind, held(field, columns[index]))) };
}

/** The values of a column, as it holds them. The list itself where nothing has to be converted. */
function held(field, values) {
  const convertOne = converter(field.kind);
  if (convertOne === null && areTexts(values)) return values;
  return Array.from(values, (value) => {
    const { value: kept, problem } = convert(field, convertOne, value);
    if (problem) throw problem;
    return kept;
  });
}

function areTexts(values) {
  for (let i = 0; i < values.length; i++) if (typeof values[i] !== "string") return false;
  return true;
}

/** A value as its column holds it, the missing value where it cannot, and then the problem. */
function convert(field, convertOne, value) {
  const missing = convertOne === null ? "" : null;
  if (value === null || value === undefined || value === "") return { value: missing, problem: null };
  const converted = (convertOne ?? asText)(value);
  if (converted === undefined) return { value: missing, problem: unfit(field, value) };
  return { value: converted, problem: null };
}

/** A column of values. A missing one is `null`, and where texts are, empty. */
function pack(kind, values) {
  const tag = CASES[kind] ?? "texts";
  if (tag === "texts") {
    const valid = values.includes("") ? bitmap(values) : new Uint8Array(0);
    return { valid, data: { tag, val: encodeTexts(values) } };
  }
  const valid = values.includes(null) ? bitmap(values.map((value) => value !== null)) : new Uint8Array(0);
  if (tag === "bools") return { valid, data: { tag, val: bitmap(values) } };
  return { valid, data: { tag, val: numbers(tag, values) } };
}

function numbers(tag, values) {
  const filled = values.map((value) => value ?? 0);
  if (tag === "floats") return Float64Array.from(filled);
  return tag === "days" ? Int32Array.from(filled) : lowerIntegers(filled);
}

/**
 * What turns values that are not missing into what a column of this kind holds, `undefined` when it cannot hold one; `null` for
 * columns of texts.
 */
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
      return null;
  }
}

const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value));

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
