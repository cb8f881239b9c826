// Types of `halle-plugin/testing`: a host in memory, for native tests of plugins.

import type { Blob, Field, Request, Row } from "./index.js";

export class FakeBlob implements Blob {
  constructor(content: string | Uint8Array, mediaType?: string | null);
  readonly bytes: Uint8Array;
  size(): number;
  mediaType(): string | null;
  read(offset: number, len: number): Uint8Array;
  unzip(entry: string): Blob;
  /** The content as text. */
  text(): string;
}

export class FakeHost {
  constructor(world?: {
    config?: unknown;
    secrets?: string[];
    tables?: Record<string, { fields: Field[]; rows: Row[] }>;
    source?: string | null;
    cancelAfter?: number;
  });
  /** Requests made, in order. */
  readonly requests: Request[];
  /** What was written and committed. */
  readonly written: ({ slot: string; mode: string } & ({ rows: Row[] } | { file: string; body: string }))[];
  readonly log: { level: string; message: string; fields: Record<string, string> }[];
  readonly tasks: { name: string; total: number | null; done: number }[];
  readonly state: Map<string, [Uint8Array, number]>;
  /** Answers a request: a text or bytes as they are, anything else as JSON. A second answer is given the second time. */
  on(method: string, url: string, body?: unknown, more?: { status?: number; headers?: Record<string, string> }): this;
  /** Runs something on this host, and answers what it answers. */
  run<T>(call: () => T): T;
}
