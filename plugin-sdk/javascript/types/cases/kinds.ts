// Plugins of the five kinds in TypeScript: they compile, and what is marked as an error is one.

import {
  BatchBuilder,
  Problem,
  defineCatalogConnector,
  defineEnricher,
  defineProcessing,
  defineRemoteService,
  defineVisualisation,
  download,
  field,
  getJson,
  notModified,
  openWrite,
  pages,
  request,
  wantedOutputs,
} from "halle-plugin";
import type { Entry, Field, Row } from "halle-plugin";

const NAME: Field = field("name", "text", { title: "Nom" });

// @ts-expect-error There is no such kind of column.
field("name", "string");

export const enricher = defineEnricher({
  title: "Salutation",
  inputs: [NAME],
  plan: (input) => ({ inputs: input.map(({ key }) => key), outputs: [field("greeting", "text")] }),
  open(_input, config: { prefix?: string }) {
    return {
      run(rows) {
        const columns = new BatchBuilder([field("greeting", "text")]);
        const problems = [];
        for (let row = 0; row < rows.length; row += 1) {
          const name: string | null = rows.at(0).text(row);
          if (name === null) problems.push({ row, problem: new Problem("name/missing", "Pas de nom.") });
          columns.push([name === null ? null : `${config.prefix ?? ""}${name}`]);
        }
        return { columns: columns.finish(), problems };
      },
    };
  },
});

// @ts-expect-error An enricher that does not open does nothing.
defineEnricher({ title: "Rien", plan: () => ({ inputs: [], outputs: [] }) });

export const processing = defineProcessing({
  title: "Import",
  prepare(draft: { url: string }) {
    if (!draft.url.endsWith("/")) throw Problem.config("/url", "Il manque « / ».");
    return { config: draft };
  },
  run({ url }: { url: string }, { startedAt }) {
    const writer = openWrite("output", "replace", [NAME, field("seen", "date-time")]);
    for (const page of pages(url, { next: (response) => response.json().next })) {
      const rows: Row[] = page.json().map((name: string) => ({ name, seen: startedAt }));
      writer.write(rows);
    }
    return `${writer.commit()} lignes`;
  },
});

// @ts-expect-error A mode that no dataset has.
openWrite("output", "overwrite");

export const connector = defineCatalogConnector({
  title: "Catalogue",
  abilities: ["browse", "fetch"],
  browse({ url }: { url: string }, { folder, page, size }) {
    const items: Entry[] = getJson(`${url}/${folder ?? "root"}?page=${page}&size=${size}`);
    return { total: items.length, entries: items };
  },
  fetch({ url }: { url: string }, id, options) {
    if (options.etag === "1") throw notModified();
    return { body: download(`${url}/${id}`).body, name: "data.csv", metadata: { title: id }, etag: "1" };
  },
});

export const visualisation = defineVisualisation({
  title: "Nombre",
  query: ({ dataset }: { dataset: string }) => [{ name: "n", dataset, operation: "metric_agg", maxRows: 1 }],
  render([count], _config, { width, height }) {
    const total: number = count?.rows.column("total").number(0) ?? 0;
    return { svg: `<svg viewBox="0 0 ${width} ${height}"/>`, alt: `${total}`, table: { columns: ["n"], rows: [[total]] } };
  },
});

// @ts-expect-error A picture says what it shows.
defineVisualisation({ title: "Muette", query: () => [], render: () => ({ svg: "<svg/>" }) });

export const service = defineRemoteService({
  title: "Longueur",
  formats: ["openapi-3.0"],
  operations: () => [{ id: "length", input: [NAME], output: [field("length", "integer")], maxRowsPerRequest: 10 }],
  build: ({ server }, rows) => [
    { rows: Array.from({ length: rows.length }, (_, row) => row), request: request("POST", `${server}/length`, { body: [...rows] }) },
  ],
  parse(service, calls, responses) {
    const columns = new BatchBuilder(wantedOutputs(service));
    const found = calls.flatMap((call, at) => call.rows.map((row): [number, unknown] => [row, responses[at]?.ok().json()]));
    for (const [, length] of found.sort(([a], [b]) => a - b)) columns.push({ length });
    return { columns: columns.finish() };
  },
});
