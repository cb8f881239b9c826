// XML, enough of it to read what APIs answer: elements, attributes, texts. No entities but the five of XML and numbers, so
// that nothing can be made to grow; no namespaces: `dcat:Dataset` is a name like another.

import { Problem } from "./problem.js";

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const TOKEN = /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<!DOCTYPE[^>]*>|<\/([^\s>]+)\s*>|<([^\s/>!?]+)((?:"[^"]*"|'[^']*'|[^"'>])*?)(\/?)>|([^<]+)/y;
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
// Elements within each other.
const DEPTH_MAX = 200;

/** An element: `name`, `attributes` by name, `children` elements, and `text`, its own text without that of its children. */
export class Element {
  constructor(name, attributes = {}) {
    this.name = name;
    this.attributes = attributes;
    this.children = [];
    this.text = "";
  }

  /** The first child with a name, or `null`. */
  child(name) {
    return this.children.find((child) => child.name === name) ?? null;
  }

  /** All elements below this one with a name, in the order of the document. */
  *all(name) {
    for (const child of this.children) {
      if (child.name === name) yield child;
      yield* child.all(name);
    }
  }
}

/** The root element of an XML document; `xml/invalid` when it is none. */
export function parseXml(text) {
  const top = new Element("");
  const open = [top];
  TOKEN.lastIndex = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text);
    if (!token) throw invalid(`illisible au caractère ${at}`);
    take(token, open);
  }
  const [root] = top.children;
  if (open.length > 1) throw invalid(`<${open.at(-1).name}> n'est pas fermé`);
  if (!root) throw invalid("aucun élément");
  return root;
}

/** A text with `&`, `<`, `>` and quotes written so that XML, HTML and SVG read them as they are. */
export function escapeXml(text) {
  const names = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "#39" };
  return String(text).replace(/[&<>"']/g, (character) => `&${names[character]};`);
}

function take([, cdata, closes, opens, attributes, isEmpty, characters], open) {
  const current = open.at(-1);
  if (cdata !== undefined) current.text += cdata;
  if (characters !== undefined) current.text += unescaped(characters);
  if (closes !== undefined && (open.length === 1 || open.pop().name !== closes)) {
    throw invalid(`</${closes}> ne ferme rien`);
  }
  if (opens === undefined) return;
  const element = new Element(opens);
  for (const [, name, double, single] of attributes.matchAll(ATTRIBUTE)) {
    element.attributes[name] = unescaped(double ?? single);
  }
  current.children.push(element);
  if (isEmpty) return;
  if (open.length > DEPTH_MAX) throw invalid(`plus de ${DEPTH_MAX} niveaux`);
  open.push(element);
}

function unescaped(text) {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (whole, name) => {
    if (name[0] !== "#") return NAMED[name] ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function invalid(why) {
  return new Problem("xml/invalid", `XML illisible : ${why}.`);
}
