// Reads a JSON list of `{"name", "size"}` and makes it the content of the slot `output`.

import { checkCancelled, defineProcessing, field, getJson, log, openWrite, progress } from "halle-plugin";

// Rows that are written at a time.
const BATCH_ROWS = 1000;

const FIELDS = [field("name", "text"), field("size", "number")];

export default defineProcessing({
  title: "Mon traitement",

  // The configuration; its schema is in `plugin.toml`.
  run({ url }) {
    const items = getJson(url);
    log.info(`${items.length} éléments lus`);
    const writer = openWrite("output", "replace", FIELDS);
    progress.task("Écriture", items.length);
    for (let done = 0; done < items.length; done += BATCH_ROWS) {
      checkCancelled();
      const rows = items.slice(done, done + BATCH_ROWS).map(({ name, size }) => ({ name, size }));
      writer.write(rows);
      progress.advance(done + rows.length);
    }
    return `${writer.commit()} lignes écrites`;
  },
});
