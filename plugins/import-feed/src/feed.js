// From the XML of a feed to rows.

import { Problem, field, formatInstant, parseInstant, parseXml } from "halle-plugin";

/** Columns of the dataset. */
export const FIELDS = [
  field("identifiant", "text", { title: "Identifiant", nullable: false }),
  field("titre", "text", { title: "Titre", concept: "http://www.w3.org/2000/01/rdf-schema#label" }),
  field("lien", "text", { title: "Lien", concept: "https://schema.org/WebPage" }),
  field("date", "date-time", { title: "Date de publication", concept: "http://schema.org/Date" }),
  field("resume", "text", { title: "Résumé", concept: "http://schema.org/description" }),
  field("auteur", "text", { title: "Auteur" }),
  field("categories", "text", { title: "Catégories" }),
  field("image", "text", { title: "Image", concept: "http://schema.org/image" }),
  field("piece_jointe", "text", { title: "Pièce jointe" }),
];

// Characters of a summary.
const SUMMARY_CHARS_MAX = 5000;
const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
// `Tue, 10 Jun 2025 09:30:00 +0200` (RFC 822, with years of four digits as RFC 2822 wants).
const MAIL_DATE = /^(?:\w{3,},\s*)?(\d{1,2})\s+(\w{3})\w*\s+(\d{4})\s+(\d{2}):(\d{2})(?::(\d{2}))?\s*([+-]\d{4}|[A-Z]{1,5})?$/i;
const NAMED_ZONES = { EST: "-0500", EDT: "-0400", CST: "-0600", CDT: "-0500", MST: "-0700", MDT: "-0600", PST: "-0800", PDT: "-0700" };
const ENTITIES = { nbsp: " ", amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", laquo: "«", raquo: "»", hellip: "…", rsquo: "’", ndash: "–", mdash: "—", euro: "€", eacute: "é", egrave: "è", agrave: "à", ccedil: "ç", ecirc: "ê", ocirc: "ô", icirc: "î", ucirc: "û", ugrave: "ù" };

/** The entries of a feed as rows, in its order, and how many were left out because their identifier came before. */
export function entries(xml) {
  const root = parseXml(xml);
  const read = { rss: rss, "rdf:RDF": rss, feed: atom }[root.name];
  if (!read) {
    throw new Problem("feed/format", `Ce n'est ni un flux RSS ni un flux Atom (élément <${root.name}>) : vérifiez l'adresse.`);
  }
  const rows = new Map();
  let twice = 0;
  for (const entry of read(root)) {
    const row = compact(entry);
    row.identifiant ??= row.lien ?? row.titre;
    // An entry without identifier, link nor title says nothing.
    if (row.identifiant === undefined) continue;
    if (rows.has(row.identifiant)) twice++;
    else rows.set(row.identifiant, row);
  }
  return { rows: [...rows.values()], twice };
}

function* rss(root) {
  for (const item of root.all("item")) {
    const enclosure = item.child("enclosure")?.attributes;
    const isImage = enclosure?.type?.startsWith("image/");
    const media = item.child("media:content") ?? item.child("media:thumbnail");
    yield {
      identifiant: text(item, "guid") ?? item.attributes["rdf:about"],
      titre: plain(text(item, "title")),
      lien: text(item, "link"),
      date: date(text(item, "pubDate") ?? text(item, "dc:date")),
      resume: plain(text(item, "description") ?? text(item, "content:encoded")),
      auteur: text(item, "dc:creator") ?? text(item, "author"),
      categories: joined(item.children.filter(({ name }) => name === "category" || name === "dc:subject").map((one) => one.text)),
      image: isImage ? enclosure.url : media?.attributes.url,
      piece_jointe: isImage ? undefined : enclosure?.url,
    };
  }
}

function* atom(root) {
  for (const entry of root.children.filter(({ name }) => name === "entry")) {
    const links = entry.children.filter(({ name }) => name === "link").map(({ attributes }) => attributes);
    const link = (rel) => links.find((one) => (one.rel ?? "alternate") === rel)?.href;
    const authors = [...entry.all("author")].map((author) => text(author, "name"));
    yield {
      identifiant: text(entry, "id"),
      titre: plain(text(entry, "title")),
      lien: link("alternate"),
      date: date(text(entry, "published") ?? text(entry, "updated")),
      resume: plain(text(entry, "summary") ?? text(entry, "content")),
      auteur: joined(authors),
      categories: joined(entry.children.filter(({ name }) => name === "category").map(({ attributes }) => attributes.label ?? attributes.term)),
      image: (entry.child("media:thumbnail") ?? entry.child("media:content"))?.attributes.url,
      piece_jointe: link("enclosure"),
    };
  }
}

/** The text of a child, or nothing. */
function text(element, name) {
  return element.child(name)?.text.trim() || undefined;
}

function joined(texts) {
  return [...new Set(texts.map((one) => one?.trim()).filter(Boolean))].join("; ");
}

/** Without values that say nothing. */
function compact(row) {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined && value !== null && value !== ""));
}

/** The words of a piece of HTML, on one line. */
export function plain(html) {
  if (html === undefined) return undefined;
  const words = html
    .replace(/<(script|style)\b[\s\S]*?<\/\1\s*>/gi, " ")
    .replace(/<\/?[a-z!][^>]*>/gi, " ")
    .replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (whole, name) => {
      if (name[0] !== "#") return ENTITIES[name] ?? whole;
      const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    })
    .replace(/\s+/g, " ")
    .trim();
  return [...words].length > SUMMARY_CHARS_MAX ? `${[...words].slice(0, SUMMARY_CHARS_MAX - 1).join("")}…` : words;
}

/** An instant as RFC 3339 in UTC, from the dates of mails or of the web; nothing when it is neither. */
export function date(written) {
  if (written === undefined) return undefined;
  const mail = MAIL_DATE.exec(written.trim());
  if (!mail) {
    const instant = parseInstant(written.trim());
    return instant === null ? undefined : formatInstant(instant);
  }
  const [, day, name, year, hours, minutes, seconds = "00", zone = "+0000"] = mail;
  const month = MONTHS.indexOf(name.toLowerCase()) + 1;
  const offset = /^[+-]/.test(zone) ? zone : (NAMED_ZONES[zone.toUpperCase()] ?? "+0000");
  const two = (number) => String(number).padStart(2, "0");
  const instant = parseInstant(`${year}-${two(month)}-${two(day)}T${hours}:${minutes}:${seconds}${offset}`);
  return instant === null ? undefined : formatInstant(instant);
}
