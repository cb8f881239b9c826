// Reads an RSS 2.0, RSS 1.0 (RDF) or Atom feed and writes its entries into the slot `output`.

import { Problem, checkCancelled, defineProcessing, log, openWrite, progress, request, sendPatiently } from "halle-plugin";

import { FIELDS, entries } from "./feed.js";

// Rows that are written at a time.
const BATCH_ROWS = 500;
// Bytes of a feed.
const FEED_BYTES_MAX = 8 << 20;

export default defineProcessing({
  title: "Import d'un flux RSS ou Atom",

  // The configuration; its schema is in `plugin.toml`.
  run({ url, keep = false }) {
    const headers = { accept: "application/rss+xml, application/atom+xml, application/xml, text/xml" };
    const response = sendPatiently(request("GET", url, { headers, maxBytes: FEED_BYTES_MAX })).ok();
    if (response.truncated) {
      throw new Problem("feed/too-large", `Le flux dépasse ${FEED_BYTES_MAX >> 20} Mo : demandez-en une version plus courte.`);
    }
    const { rows, twice } = entries(response.text());
    if (twice > 0) log.warn(`${twice} articles ont le même identifiant qu'un autre et sont laissés de côté`);
    if (rows.length === 0) log.warn("le flux n'a aucun article");
    progress.task("Écriture", rows.length);
    const writer = openWrite("output", keep ? "upsert" : "replace", FIELDS);
    for (let done = 0; done < rows.length; done += BATCH_ROWS) {
      checkCancelled();
      const batch = rows.slice(done, done + BATCH_ROWS);
      writer.write(batch);
      progress.advance(done + batch.length);
    }
    return `${writer.commit()} articles écrits`;
  },
});
