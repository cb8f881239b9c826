// A catalogue that is one JSON list, `[{"id", "title", "file"}]`, at `<url>/index.json`.

import { defineCatalogConnector, download, getJson, Problem } from "halle-plugin";

const items = ({ url }) => getJson(`${url}/index.json`);

export default defineCatalogConnector({
  title: "Mon connecteur",
  abilities: ["browse", "search", "fetch"],

  browse(config, { q, page, size }) {
    const wanted = (q ?? "").toLowerCase();
    const found = items(config).filter(({ title }) => title.toLowerCase().includes(wanted));
    const shown = found.slice((page - 1) * size, page * size);
    return { total: found.length, entries: shown.map(({ id, title }) => ({ id, title, kind: "resource" })) };
  },

  fetch(config, id) {
    const item = items(config).find((item) => item.id === id);
    if (!item) throw new Problem("remote/not-found", `« ${id} » n'est plus dans le catalogue.`);
    // The file stays on the host: it never comes through here, however large it is.
    const { body } = download(`${config.url}/${item.file}`);
    return { body, name: item.file, metadata: { title: item.title } };
  },
});
