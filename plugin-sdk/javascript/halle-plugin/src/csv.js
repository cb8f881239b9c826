// CSV as RFC 4180 has it: small texts. For files, `csvRows` of a blob lets the host read.

/** The cells of a CSV text, row by row; the header is the first. Empty lines are left out. */
export function* parseCsv(text, { delimiter = "," } = {}) {
  let row = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length) {
    const [cell, end] = text[at] === '"' ? quoted(text, at) : plain(text, at, delimiter);
    row.push(cell);
    at = end + 1;
    if (text[end] === delimiter) {
      // A delimiter at the very end of the text leaves an empty last cell.
      if (at >= text.length) row.push("");
      continue;
    }
    if (text[end] === "\r" && text[at] === "\n") at++;
    if (row.length > 1 || row[0] !== "") yield row;
    row = [];
  }
  if (row.length > 0) yield row;
}

/** The rows of a CSV text as objects by the names of its header. */
export function* csvObjects(text, options) {
  let header;
  for (const row of parseCsv(text, options)) {
    if (header) yield Object.fromEntries(header.map((name, index) => [name, row[index] ?? ""]));
    else header = row;
  }
}

/** A CSV text: rows of cells, quoted where they must be; missing values are empty cells. */
export function formatCsv(rows, { delimiter = "," } = {}) {
  const special = new RegExp(`["\\r\\n${delimiter === "|" ? "\\|" : delimiter}]`);
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return special.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(delimiter)}\n`).join("");
}

/** A cell without quotes, and where it ends. */
function plain(text, from, delimiter) {
  let end = from;
  while (end < text.length && text[end] !== delimiter && text[end] !== "\n" && text[end] !== "\r") end++;
  return [text.slice(from, end), end];
}

/** A cell in quotes, and where it ends; without a closing quote, the rest of the text. */
function quoted(text, from) {
  let cell = "";
  let at = from + 1;
  for (;;) {
    const close = text.indexOf('"', at);
    if (close < 0) return [cell + text.slice(at), text.length];
    cell += text.slice(at, close);
    if (text[close + 1] !== '"') return [cell, close + 1];
    cell += '"';
    at = close + 2;
  }
}
