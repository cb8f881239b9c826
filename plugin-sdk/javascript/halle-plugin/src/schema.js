// Schemas of configurations, without writing JSON: what stands in `[config]` of `plugin.toml`. For tests of plugins, apart
// from the rest, so that nothing of it is in a component.

/** The schema of a configuration: an object with these fields and no others. */
export class Schema {
  #required = [];
  #fields = {};

  /** With a field that must be there. */
  required(name, field) {
    this.#required.push(name);
    return this.optional(name, field);
  }

  /** With a field that may be left out. */
  optional(name, field) {
    this.#fields[name] = field;
    return this;
  }

  /** As a JSON Schema. */
  toJSON() {
    return JSON.parse(JSON.stringify(this.merged({})));
  }

  /** As the table `[config]` of `plugin.toml`. */
  toToml() {
    return table("config", this.toJSON());
  }

  /** Compares with the table `[config]` of a manifest. The error has what should stand there. */
  checkManifest(manifest) {
    const expected = this.toToml();
    if (found("config", manifest) === expected) return;
    throw new Error(`[config] of plugin.toml is not the schema. It should be:\n\n${expected}`);
  }

  /** What `group` puts under a title. */
  merged(into) {
    const required = this.#required.length > 0 ? { required: this.#required } : {};
    return { ...into, type: "object", ...required, additionalProperties: false, properties: this.#fields };
  }
}

/** A field of a form. Each method answers another field. */
export class Field {
  #keywords;

  constructor(keywords) {
    this.#keywords = keywords;
  }

  toJSON() {
    return this.#keywords;
  }

  /** With any other keyword of JSON Schema. */
  with(keyword, value) {
    return new Field({ ...this.#keywords, [keyword]: value });
  }

  /** With a sentence below it, in French and in English. */
  description(french, english) {
    return texts(this, "description", french, english);
  }

  /** With bounds, both included. */
  range(minimum, maximum) {
    return this.with("minimum", minimum).with("maximum", maximum);
  }

  /** With what the form begins with. What is left out is left out: read it with the same default. */
  default(value) {
    return this.with("default", value);
  }

  /** With a regular expression that a text must match, somewhere in it unless it says `^` and `$`. */
  pattern(pattern) {
    return this.with("pattern", pattern);
  }
}

/** A text. */
export function text(french, english) {
  return titled("string", french, english);
}

/** A text that nobody must see; the plugin gets its name. */
export function secret(french, english) {
  return text(french, english).with("x-secret", true);
}

/** An address that the plugin calls: name it in `[http.<name>]` with `from-config`. */
export function egress(french, english) {
  return text(french, english).with("x-egress", true);
}

/** A whole number. */
export function integer(french, english) {
  return titled("integer", french, english);
}

/** A number. */
export function number(french, english) {
  return titled("number", french, english);
}

/** Yes or no. */
export function boolean(french, english) {
  return titled("boolean", french, english);
}

/** One out of some texts, each a list: what is stored, and its title in French and in English. */
export function choice(french, english, choices) {
  const described = choices.map(([value, fr, en]) => ({ const: value, title: fr, "x-i18n-title": { fr, en } }));
  return text(french, english).with("oneOf", described);
}

/** A dataset, for visualisations: `{ id, title }`. */
export function dataset(french, english) {
  const names = { id: { type: "string" }, title: { type: "string" } };
  return titled("object", french, english).with("required", ["id"]).with("properties", names);
}

/** Any number of such fields. Secrets and addresses have no name in a list, and may not stand there. */
export function list(french, english, of) {
  return titled("array", french, english).with("items", of);
}

/** Fields under a title of their own. */
export function group(french, english, fields) {
  return new Field(fields.merged(titled("object", french, english).toJSON()));
}

function titled(kind, french, english) {
  return texts(new Field({ type: kind }), "title", french, english);
}

function texts(field, keyword, french, english) {
  return field.with(keyword, french).with(`x-i18n-${keyword}`, { fr: french, en: english });
}

/** A table of TOML and those below it: a table per property, other values in a line. */
function table(path, schema) {
  const { properties, ...keywords } = schema;
  const lines = Object.entries(keywords).map(([name, value]) => `${key(name)} = ${inline(value)}\n`);
  const below = Object.entries(properties ?? {}).map(
    ([name, property]) => `\n${table(`${path}.properties.${key(name)}`, property)}`,
  );
  return [`[${path}]\n`, ...lines, ...below].join("");
}

/** The table of this name and those below it, as a manifest has them. */
function found(name, manifest) {
  let isThere = false;
  let kept = "";
  for (const line of manifest.split(/\r?\n/)) {
    if (line.startsWith("[")) isThere = line.startsWith(`[${name}]`) || line.startsWith(`[${name}.`);
    if (isThere) kept += `${line.trimEnd()}\n`;
  }
  return kept.trim() === "" ? "" : `${kept.trimEnd()}\n`;
}

function inline(value) {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object") return String(value);
  const entries = Object.entries(value).map(([name, entry]) => `${key(name)} = ${inline(entry)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

function key(name) {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : quoted(name);
}

/** A basic string of TOML has the escapes of JSON, and one more. */
function quoted(text) {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}
