import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeHost } from "halle-plugin/testing";

import { date, entries, plain } from "../src/feed.js";
import plugin from "../src/index.js";

const RSS = `<?xml version="1.0"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Mairie</title>
  <item><guid>n1</guid><title>Travaux rue de Siam</title><link>https://mairie.test/1</link>
    <pubDate>Tue, 10 Jun 2025 09:30:00 +0200</pubDate>
    <description><![CDATA[<p>Du&nbsp;12 au 15 juin, <b>d&eacute;viation</b>.</p><script>alert(1)</script>]]></description>
    <category>Voirie</category><category>Travaux</category><dc:creator>Service voirie</dc:creator>
    <enclosure url="https://mairie.test/plan.pdf" type="application/pdf" length="12"/></item>
  <item><title>Sans identifiant</title><enclosure url="https://mairie.test/p.jpg" type="image/jpeg"/></item>
  <item><guid>n1</guid><title>Encore</title></item>
  <item><pubDate>demain</pubDate></item>
</channel></rss>`;

const ATOM = `<feed xmlns="http://www.w3.org/2005/Atom"><title>Actes</title>
  <entry><id>urn:1</id><title type="html">Arr&amp;ecirc;t&amp;eacute; 12</title><updated>2025-01-31T10:00:00Z</updated>
    <link rel="self" href="https://a.test/self"/><link href="https://a.test/1"/><link rel="enclosure" href="https://a.test/1.pdf"/>
    <author><name>Ada</name></author><author><name>Bob</name></author><category term="arrete" label="Arrêté"/><summary>Bref</summary></entry></feed>`;

test("articles of RSS become rows, each identifier once", () => {
  const { rows, twice } = entries(RSS);
  assert.equal(twice, 1);
  assert.deepEqual(rows, [
    {
      identifiant: "n1", titre: "Travaux rue de Siam", lien: "https://mairie.test/1", date: "2025-06-10T07:30:00Z",
      resume: "Du 12 au 15 juin, déviation .", auteur: "Service voirie", categories: "Voirie; Travaux",
      piece_jointe: "https://mairie.test/plan.pdf",
    },
    { identifiant: "Sans identifiant", titre: "Sans identifiant", image: "https://mairie.test/p.jpg" },
  ]);
});

test("entries of Atom become rows", () => {
  assert.deepEqual(entries(ATOM).rows, [
    {
      identifiant: "urn:1", titre: "Arrêté 12", lien: "https://a.test/1", date: "2025-01-31T10:00:00Z", resume: "Bref",
      auteur: "Ada; Bob", categories: "Arrêté", piece_jointe: "https://a.test/1.pdf",
    },
  ]);
});

test("dates of mails and of the web are understood, others are none", () => {
  assert.equal(date("10 Jun 2025 09:30 GMT"), "2025-06-10T09:30:00Z");
  assert.equal(date("Wed, 01 Jan 2025 00:00:00 EST"), "2025-01-01T05:00:00Z");
  assert.equal(date("2025-06-10"), "2025-06-10T00:00:00Z");
  assert.equal(date("31 Feb 2025 00:00:00 +0000"), undefined);
  assert.equal(date("hier"), undefined);
  assert.equal(plain("a &lt; b"), "a < b");
});

test("a feed fills the dataset, or adds to it", () => {
  const url = "https://mairie.test/rss";
  const host = new FakeHost().on("GET", url, RSS);
  assert.equal(host.run(() => plugin.run({ url, keep: true }, {})), "2 articles écrits");
  assert.equal(host.written[0].mode, "upsert");
  const other = new FakeHost().on("GET", url, "<html><body/></html>");
  assert.throws(() => other.run(() => plugin.run({ url }, {})), { code: "feed/format" });
  assert.deepEqual(other.written, []);
});
