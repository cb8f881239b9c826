import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeUtf8, encodeUtf8 } from "../src/index.js";
import { encodeTexts, textReader } from "../src/text.js";

test("UTF-8 is that of the standard library, broken texts included", () => {
  for (const text of ["", "abc", "é", "日本", "😀 a", "\ud800x", "x\udc00", "a".repeat(20_000) + "é"]) {
    assert.deepEqual(encodeUtf8(text), new TextEncoder().encode(text), JSON.stringify(text.slice(0, 20)));
  }
  for (const bytes of [[0x61], [0xc3, 0xa9], [0xff], [0xf0, 0x9f, 0x98, 0x80], [0xed, 0xa0, 0x80]]) {
    const text = new TextDecoder().decode(Uint8Array.from(bytes));
    // A broken sequence may become another number of U+FFFD; what is sound is the same.
    const ours = decodeUtf8(Uint8Array.from(bytes));
    assert.equal(ours.replace(/\ufffd+/g, "?"), text.replace(/\ufffd+/g, "?"));
  }
});

test("columns of texts come back, whatever mix they are", () => {
  const columns = [
    [],
    [""],
    ["Brest", "", "a"],
    ["Brest", "", "Évry", "a", "日本 😀"],
    // With the character that is put between texts, the texts are encoded one by one.
    ["é", "a\0b", "\0", "", "ü"],
  ];
  for (const texts of columns) {
    const { offsets, data } = encodeTexts(texts);
    const expected = new TextEncoder().encode(texts.join(""));
    assert.deepEqual(data, expected);
    assert.equal(offsets[0], 0);
    assert.equal(offsets.at(-1), data.length);
    const read = textReader({ offsets, data });
    assert.deepEqual(texts.map((_, index) => read(index)), texts);
    assert.equal(read(texts.length), "", "nothing is beyond the end");
    assert.equal(read(texts.length + 1), "");
  }
});

test("halves of a character in two texts do not become one", () => {
  const { offsets, data } = encodeTexts(["é\ud83d", "\ude00"]);
  assert.deepEqual([...offsets], [0, 5, 8]);
  assert.deepEqual(data, new TextEncoder().encode("é\ufffd\ufffd"));
});
