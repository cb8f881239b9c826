// Shows in large how many lines of a dataset have a value in a column.

import { defineVisualisation, escapeXml } from "halle-plugin";

export default defineVisualisation({
  title: "Ma visualisation",

  // The configuration; its schema is in `plugin.toml`.
  query({ dataset, field }) {
    return [{ name: "count", dataset: dataset.id, operation: "metric_agg", params: { metric: "value_count", field }, maxRows: 1 }];
  },

  render([count], _config, { width, height, locale }) {
    const total = count.rows.column("metric").number(0) ?? 0;
    const label = locale.startsWith("en") ? "rows" : "lignes";
    const alt = `${total} ${label}`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"><title>${escapeXml(alt)}</title>
<text x="50%" y="50%" font-size="${Math.floor(height / 5)}" text-anchor="middle">${escapeXml(alt)}</text></svg>`;
    return { svg, alt, table: { columns: [label], rows: [[total]] } };
  },
});
