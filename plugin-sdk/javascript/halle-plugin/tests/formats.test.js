import assert from "node:assert/strict";
import { test } from "node:test";

import { csvObjects, escapeXml, formatCsv, parseCsv, parseXml } from "../src/index.js";

test("CSV keeps quotes, line ends and empty cells", () => {
  const rows = [["a", "b"], ['say "x"', "1,2"], ["two\nlines", ""]];
  const text = 'a,b\r\n"say ""x""","1,2"\n\n"two\nlines",';
  assert.deepEqual([...parseCsv(text)], rows);
  assert.deepEqual([...parseCsv(formatCsv(rows))], rows);
  assert.deepEqual([...csvObjects("\ufeffx;y\n1;2", { delimiter: ";" })], [{ x: "1", y: "2" }]);
  assert.equal(formatCsv([["a|b", null, 1]], { delimiter: "|" }), '"a|b"||1\n');
});

test("XML becomes elements, attributes and texts", () => {
  const root = parseXml(`<?xml version="1.0"?><!-- c --><rdf:RDF a='1 &gt; 0'>
    <dcat:Dataset n="x>y"><title>Arbres &amp; b&#xe9;ton</title><empty/></dcat:Dataset><title><![CDATA[<b>]]></title></rdf:RDF>`);
  assert.equal(root.attributes.a, "1 > 0");
  assert.equal(root.child("dcat:Dataset").attributes.n, "x>y");
  assert.deepEqual([...root.all("title")].map(({ text }) => text), ["Arbres & béton", "<b>"]);
  assert.equal(root.child("nope"), null);
});

test("what is no XML is a problem, and nothing grows", () => {
  for (const text of ["", "plain", "<a>", "<a></b>", "</a>", "<a><b></a>", "<a".repeat(10), "<a>".repeat(1000)]) {
    assert.throws(() => parseXml(text), { code: "xml/invalid" }, text.slice(0, 20));
  }
  const bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>';
  assert.equal(parseXml(bomb).text, "&b;");
});

test("texts are written so that XML reads them as they are", () => {
  const text = `<a href="x">'&'</a>`;
  assert.equal(parseXml(`<p>${escapeXml(text)}</p>`).text, text);
});
