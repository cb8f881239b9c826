// Types of `halle-plugin`. What each function does is told where it is written, beside this file; shapes of the contract are
// told in full in `wit/`.

/** What a column holds. Open: a kind that is not here crosses as text. */
export type Kind = "text" | "integer" | "number" | "boolean" | "date" | "date-time" | "object";
export const KINDS: Kind[];

/** A column. */
export interface Field {
  /** Key: lower-case letters, digits and `_`. */
  key: string;
  kind: Kind | (string & {});
  /** Whether values may be missing; they may when absent. */
  nullable?: boolean;
  /** Title for people. */
  title?: string | null;
  /** Concept, as a URI. */
  concept?: string | null;
}

/** A column: its key, what it holds, and what else is known. */
export function field(key: string, kind: Kind, more?: { title?: string; concept?: string; nullable?: boolean }): Field;

/** Rows by columns, as the contract has them. */
export interface Batch {
  rows: number;
  columns: { valid: Uint8Array; data: { tag: string; val: unknown } }[];
}

/** A value as JSON would have it. */
export type Value = string | number | boolean | null;
/** A row as an object by keys; missing values are left out. */
export type Row = Record<string, unknown>;

/** Reads the values of one column. */
export class Column {
  readonly field: Field;
  has(row: number): boolean;
  /** As the contract has it: dates as days, instants as milliseconds since 1970. */
  raw(row: number): Value;
  /** As JSON has it: dates as `2024-01-31`, instants as RFC 3339. */
  value(row: number): Value;
  text(row: number): string | null;
  number(row: number): number | null;
}

/** The rows of a batch. */
export class Rows implements Iterable<Row> {
  constructor(fields: Field[], batch: Batch);
  readonly fields: Field[];
  readonly length: number;
  at(index: number): Column;
  /** Throws `input/missing` when there is no such column. */
  column(key: string): Column;
  columnAbout(concept: string): Column;
  json(row: number): Row;
  [Symbol.iterator](): Iterator<Row>;
}

/** Builds a batch row by row. */
export class BatchBuilder {
  constructor(fields: Field[]);
  readonly fields: Field[];
  readonly length: number;
  /** Answers the problems of what columns cannot hold, which is left out. */
  push(values: readonly unknown[] | Row): readonly Problem[];
  pushMissing(): readonly Problem[];
  finish(): Batch;
}

/** A batch of rows given as objects. */
export function batchOf(fields: Field[], rows: Iterable<Row>): Batch;

/** A batch of columns given as lists, one per field in their order: the quickest way to answer many rows. */
export function batchOfColumns(fields: Field[], columns: readonly (readonly unknown[])[]): Batch;

/**
 * What an answer other than 2xx means for whoever asked: `unauthorized` (401, 403: a person has to act), `not-found` (404, 410),
 * `busy` (429, 503: later), `failing` (any other 5xx: may pass), `refused` (it will not be otherwise if it is asked again).
 */
export type Fault = "unauthorized" | "not-found" | "busy" | "failing" | "refused";

/** The fault of a status; `null` for 2xx. */
export function faultOf(status: number): Fault | null;

/** Something a person must be told. Throw it. */
export class Problem extends Error {
  constructor(code: string, message: string, more?: { field?: string | null; retryAfterMs?: number | null; details?: unknown });
  readonly code: string;
  /** Field of the configuration it is about, as a JSON pointer. */
  readonly field: string | null;
  readonly retryAfterMs: number | null;
  readonly details: unknown;
  /** The status of the answer it is about, when it is `remote/status`. */
  readonly status: number | null;
  /** What that answer means. */
  readonly fault: Fault | null;
  /** Whether the same request may succeed later: a server that is busy or fails, or that was not reached. */
  readonly isTransient: boolean;
  static config(field: string, message: string): Problem;
  static from(thrown: unknown): Problem;
}

/** A problem of one row: its index in the batch, and what is wrong. */
export interface RowProblem {
  row: number;
  problem: Problem;
}

// The five kinds.

/** The configuration, as the schema of your manifest has it. */
export type Config = any;

/** A configuration, checked. */
export interface Prepared {
  config?: Config;
  /** Remarks for the person who configures; they do not prevent saving. */
  notes?: Problem[];
}

export interface Answer {
  /** The planned outputs, one row per row of the batch, in the same order. */
  columns: Batch;
  problems?: RowProblem[];
}

export interface Enricher {
  /** Title for people. */
  title: string;
  /** Inputs it can use; a dataset's column matches by concept, else by key. */
  inputs?: Field[];
  /** Decides what to read and what to add, before any row. */
  plan(input: Field[], config: Config): { inputs: string[]; outputs: Field[] };
  /** Begins a job; `run` treats a batch. */
  open(input: Field[], config: Config): { run(rows: Rows): Answer };
}

/** Why a run began. */
export interface Trigger {
  reason: "schedule" | "manual" | "webhook" | (string & {});
  runId: string;
  /** RFC 3339: the only clock of a run. */
  startedAt: string;
}

export interface Processing {
  title: string;
  /** Checks a configuration that somebody is about to save; kept as it is when nothing is answered. */
  prepare?(draft: Config): Prepared | void;
  /** Runs to the end; answers a sentence for the run's page. What it throws fails the run. */
  run(config: Config, trigger: Trigger): string | { summary: string; details?: unknown };
}

export interface Entry {
  id: string;
  title: string;
  kind: "folder" | "resource";
  format?: string;
  /** Bytes. */
  size?: number;
  /** RFC 3339. */
  updated?: string;
  details?: unknown;
}

export interface Publication {
  target: string;
  remoteId?: string | null;
  url?: string | null;
  /** What the connector wants back at the next call. */
  state?: any;
}

export interface CatalogConnector {
  title: string;
  abilities: ("browse" | "search" | "fetch" | "publish-dataset" | (string & {}))[];
  prepare?(draft: Config): Prepared | void;
  /** A page (from 1) of a folder, or of what a search finds. */
  browse(
    config: Config,
    page: { folder: string | null; q: string | null; page: number; size: number; filters: any },
  ): { total?: number; path?: Entry[]; entries: Entry[] };
  /** Brings a resource; throw `notModified()` when `options.etag` still holds. */
  fetch(config: Config, id: string, options: any): { body: Blob; name: string; metadata?: object; etag?: string };
  /** Creates or updates the remote twin of a dataset; may be called again with what the last call answered. */
  publish?(config: Config, dataset: any, current: Publication): Publication;
  /** Removes the remote twin; fine if it is gone already. */
  unpublish?(config: Config, current: Publication): void;
}

export interface DataRequest {
  name: string;
  /** Slot or identifier of the dataset, from the configuration. */
  dataset: string;
  operation: "lines" | "values_agg" | "metric_agg";
  /** Query parameters of that operation in the API. */
  params?: Record<string, unknown>;
  /** 1 to 10,000. */
  maxRows: number;
}

export interface Context {
  width: number;
  height: number;
  locale: string;
  theme: { primary?: string; background?: string; text?: string; dark?: boolean };
  /** RFC 3339. */
  now?: string;
  title?: string;
}

/** The picture, under the name of its format. */
export type Picture = { svg: string } | { html: string } | { vegaLite: object } | { vega: object };

export interface Visualisation {
  title: string;
  /** Columns a dataset should have; none: any dataset. */
  needs?: Field[];
  /** Sizes it is made for, such as `1200x630`. */
  sizes?: string[];
  query(config: Config): DataRequest[];
  /** Draws. `alt` tells what the picture shows, `table` has the same data. */
  render(
    data: { name: string; rows: Rows }[],
    config: Config,
    context: Context,
  ): Picture & { alt: string; table?: { columns: string[]; rows: unknown[][] } };
}

export interface Operation {
  id: string;
  title?: string;
  input: Field[];
  output: Field[];
  /** 1 when absent. */
  maxRowsPerRequest?: number;
  /** What the adapter wants to find again at `build` and `parse`. */
  details?: any;
}

export interface Service {
  /** Base URL. */
  server: string;
  operation: Operation & { maxRowsPerRequest: number };
  /** Fields of the batch. */
  inputs: Field[];
  /** Wanted outputs; none for all. */
  select?: string[];
  /** Name of the secret that authorises requests. */
  auth?: string | null;
  /** Rows of the batch; told to `parse`. */
  rows: number;
}

export interface Call {
  /** Indexes of the rows in the batch. */
  rows: number[];
  request: Request;
}

export interface RemoteService {
  title: string;
  formats: string[];
  operations(document: any): Operation[];
  build(service: Service, rows: Rows): Call[];
  /** Columns from the answers, one response per call, in order. */
  parse(service: Service, calls: Call[], responses: Response[]): Answer;
}

export function defineEnricher(plugin: Enricher): Enricher;
export function defineProcessing(plugin: Processing): Processing;
export function defineCatalogConnector(plugin: CatalogConnector): CatalogConnector;
export function defineVisualisation(plugin: Visualisation): Visualisation;
export function defineRemoteService(plugin: RemoteService): RemoteService;
export function wantedOutputs(service: Pick<Service, "operation" | "select">): Field[];
export function notModified(): Problem;

// Calling APIs.

export interface Request {
  method: string;
  url: string;
  headers: [string, string][];
  body: Uint8Array | null;
  auth: string | null;
  timeoutMs: number | null;
  maxBytes: number | null;
}

export interface RequestOptions {
  headers?: Record<string, string>;
  /** A text, bytes, or anything else as JSON. */
  body?: unknown;
  /** Name of the secret that authorises the request. */
  auth?: string | null;
  timeoutMs?: number | null;
  maxBytes?: number | null;
}

export class Response {
  constructor(answer: { status: number; headers: [string, string][]; body: Uint8Array; truncated: boolean }, url: string);
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array;
  readonly truncated: boolean;
  readonly url: string;
  readonly isOk: boolean;
  /** What it means when it is not 2xx. */
  readonly fault: Fault | null;
  header(name: string): string | null;
  text(): string;
  /** Itself when the status is 2xx; else throws `remote/status`. */
  ok(): this;
  json(): any;
}

export function request(method: string, url: string, options?: RequestOptions): Request;
export function send(message: Request): Response;
export function sendPatiently(message: Request, tries?: number): Response;
export function getJson(url: string, options?: RequestOptions): any;
export function postJson(url: string, body: unknown, options?: RequestOptions): any;
export function pages(
  url: string,
  options?: RequestOptions & { next?: (response: Response) => string | null | undefined; max?: number },
): Generator<Response>;
export function download(
  url: string,
  options?: RequestOptions & { method?: string },
): { status: number; headers: [string, string][]; body: Blob };
export function upload(message: Request, blob: Blob): Response;
export function withQuery(url: string, params: Record<string, unknown>): string;
export function encode(text: unknown): string;
export function nextLink(response: Response): string | null;
export function origin(url: string): string | null;

// Data.

/** A file of the host. It disappears with the call. */
export interface Blob {
  /** Bytes. */
  size(): number;
  mediaType(): string | null;
  /** At most 1 MiB at a time. */
  read(offset: number, len: number): Uint8Array;
  /** The content of one entry of a zip archive. */
  unzip(entry: string): Blob;
}

export class Writer {
  constructor(slot: string, mode: "replace" | "append" | "upsert", fields?: Field[]);
  readonly fields: Field[];
  write(rows: Batch | Row[]): { accepted: number; problems: RowProblem[] };
  replaceFile(name: string, blob: Blob): void;
  /** Answers how many rows were written. */
  commit(): number;
}

export function openWrite(slot: string, mode: "replace" | "append" | "upsert", fields?: Field[]): Writer;
export function readDataset(slot: string, query?: Record<string, unknown>): Generator<Rows>;
export function readReference(slot: string): Generator<Rows>;
export function csvRows(blob: Blob, options?: { delimiter?: string }): Generator<Rows>;
export function lines(blob: Blob): Generator<string>;
export function readText(blob: Blob): string;
export function blobOf(...parts: (string | Uint8Array | Blob)[]): Blob;
export function sourceFile(format?: "csv"): Blob;
export const state: {
  get(key: string): { value: any; revision: number } | null;
  put(key: string, value: unknown, expected?: number | null): number;
  delete(key: string): void;
  keys(prefix?: string): Generator<string>;
};

// Speaking to whoever watches.

type Tell = (message: unknown, fields?: Record<string, unknown>) => void;
export const log: { debug: Tell; info: Tell; warn: Tell; error: Tell };
export const progress: { task(name: string, total?: number | null): void; advance(done: number): void };
export function checkCancelled(): void;
export function remainingMs(): number;
export function config(): Config;
export function secretNames(): string[];

// Texts and formats.

export function encodeUtf8(text: string): Uint8Array;
export function decodeUtf8(bytes: Uint8Array): string;
export function formatDay(days: number): string;
export function parseDay(text: string): number | null;
export function formatInstant(ms: number): string;
export function parseInstant(text: string): number | null;
export function parseCsv(text: string, options?: { delimiter?: string }): Generator<string[]>;
export function csvObjects(text: string, options?: { delimiter?: string }): Generator<Record<string, string>>;
export function formatCsv(rows: unknown[][], options?: { delimiter?: string }): string;
export class Element {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: Element[];
  /** Its own text, without that of its children. */
  readonly text: string;
  child(name: string): Element | null;
  all(name: string): Generator<Element>;
}
export function parseXml(text: string): Element;
export function escapeXml(text: unknown): string;
