// UTF-8 by hand, because the engine that plugins run in has no `TextEncoder`. Fast where texts are ASCII.

// Anchored: the engine then looks at a long text in two thirds of the time that a search takes.
const ASCII = /^[\x00-\x7f]*$/;
// Arguments that one call may carry.
const CHUNK = 8192;
// Base64 there and back is done by the engine, several times as fast as a loop over characters. Node 20 has half of it.
const BY_ENGINE = typeof Uint8Array.fromBase64 === "function" && typeof Uint8Array.prototype.toBase64 === "function";

/** The bytes of a text in UTF-8; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text) {
  const bytes = new Uint8Array(ASCII.test(text) ? text.length : text.length * 3);
  const end = encodeInto(text, bytes, 0);
  return end === bytes.length ? bytes : bytes.slice(0, end);
}

/** Writes a text into `bytes` from `at` on and returns where it ends. There must be room: three bytes per UTF-16 unit. */
export function encodeInto(text, bytes, at) {
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      bytes[at++] = code;
      continue;
    }
    if (code >= 0xd800 && code < 0xe000) {
      const low = code < 0xdc00 ? text.charCodeAt(i + 1) : NaN;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        i++;
      } else {
        code = 0xfffd;
      }
    }
    if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        bytes[at++] = 0xe0 | (code >> 12);
      } else {
        bytes[at++] = 0xf0 | (code >> 18);
        bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
      }
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[at++] = 0x80 | (code & 0x3f);
  }
  return at;
}

/** The text of UTF-8 bytes; what is not UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes) {
  const raw = latin1(bytes);
  return ASCII.test(raw) ? raw : decodeRaw(raw);
}

/** Every byte as the character of that number. */
export function latin1(bytes) {
  if (BY_ENGINE) return atob(bytes.toBase64());
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.slice(i, i + CHUNK));
  }
  return text;
}

/** The bytes that a text holds, one per character. */
function bytesOf(raw) {
  if (BY_ENGINE) return Uint8Array.fromBase64(btoa(raw));
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/**
 * What reads one of the texts between offsets of one run of bytes: empty beyond the end. Each is cut out when it is asked for,
 * since few are asked for twice; by a function without an object, since a step costs more here than elsewhere.
 */
export function textReader({ offsets, data }) {
  const raw = latin1(data);
  const count = offsets.length - 1;
  const slice = (index) => (index < count ? raw.slice(offsets[index], offsets[index + 1]) : "");
  if (ASCII.test(raw)) return slice;
  return (index) => {
    const text = slice(index);
    return ASCII.test(text) ? text : decodeRaw(text);
  };
}

/** Texts one after the other, as the contract has them; a missing one is empty. */
export function encodeTexts(texts) {
  let raw = texts.join("");
  if (!ASCII.test(raw)) {
    texts = encodedEach(texts);
    raw = texts.join("");
  }
  const count = texts.length;
  const offsets = new Uint32Array(count + 1);
  let at = 0;
  for (let i = 0; i < count; ) {
    at += texts[i].length;
    offsets[++i] = at;
  }
  return { offsets, data: bytesOf(raw) };
}

/** Each text with its bytes as characters: all at once, unless one has the character that is put between them. */
function encodedEach(texts) {
  const together = encoded(texts.join("\0")).split("\0");
  return together.length === texts.length ? together : texts.map(encoded);
}

/** The bytes of a text in UTF-8, one per character. */
function encoded(text) {
  return unescape(encodeURIComponent(text.toWellFormed()));
}

/** Decodes a text that holds a byte per character. The engine's own functions do it at once when all is well. */
function decodeRaw(raw) {
  try {
    return decodeURIComponent(escape(raw));
  } catch {
    return decodeBroken(raw);
  }
}

/** Decodes character by character, so that only what is broken is lost. */
function decodeBroken(raw) {
  const units = [];
  let text = "";
  for (let i = 0; i < raw.length; ) {
    const first = raw.charCodeAt(i++);
    const [more, least] = first < 0x80 ? [0, 0] : follows(first);
    let code = more === 0 ? first : first & (0x3f >> more);
    let left = more;
    while (left > 0 && (raw.charCodeAt(i) & 0xc0) === 0x80) {
      code = (code << 6) | (raw.charCodeAt(i++) & 0x3f);
      left--;
    }
    const isSound = more >= 0 && left === 0 && code >= least && code <= 0x10ffff && (code & 0x1ff800) !== 0xd800;
    if (!isSound) code = 0xfffd;
    if (code < 0x10000) {
      units.push(code);
    } else {
      units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
    }
    if (units.length >= CHUNK) text += String.fromCharCode.apply(null, units.splice(0));
  }
  return text + String.fromCharCode.apply(null, units);
}

/** How many bytes follow a first one, and the smallest code that may be written so; -1 where it is no first byte. */
function follows(first) {
  if (first >= 0xc2 && first < 0xe0) return [1, 0x80];
  if (first >= 0xe0 && first < 0xf0) return [2, 0x800];
  if (first >= 0xf0 && first < 0xf5) return [3, 0x10000];
  return [-1, 0];
}
