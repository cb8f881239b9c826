// Types of `halle-plugin/schema`: schemas of configurations, for tests of plugins.

/**
 * The schema of a configuration: an object with these fields and no others.
 *
 *     const config = new Schema()
 *       .required("url", egress("Adresse", "Address").pattern("^https://"))
 *       .optional("rows", integer("Lignes par page", "Rows per page").range(1, 1000).default(100));
 *     config.checkManifest(readFileSync("plugin.toml", "utf8"));
 */
export class Schema {
  /** With a field that must be there. */
  required(name: string, field: Field): this;
  /** With a field that may be left out. */
  optional(name: string, field: Field): this;
  /** As a JSON Schema. */
  toJSON(): Record<string, unknown>;
  /** As the table `[config]` of `plugin.toml`. */
  toToml(): string;
  /** Compares with the table `[config]` of a manifest; throws an error that has what should stand there. */
  checkManifest(manifest: string): void;
}

/** A field of a form. Each method answers another field. */
export class Field {
  private constructor();
  toJSON(): Record<string, unknown>;
  /** With any other keyword of JSON Schema. */
  with(keyword: string, value: unknown): Field;
  /** With a sentence below it, in French and in English. */
  description(french: string, english: string): Field;
  /** With bounds, both included. */
  range(minimum: number, maximum: number): Field;
  /** With what the form begins with. What is left out is left out: read it with the same default. */
  default(value: unknown): Field;
  /** With a regular expression that a text must match, somewhere in it unless it says `^` and `$`. */
  pattern(pattern: string): Field;
}

/** A text. */
export function text(french: string, english: string): Field;
/** A text that nobody must see; the plugin gets its name. */
export function secret(french: string, english: string): Field;
/** An address that the plugin calls: name it in `[http.<name>]` with `from-config`. */
export function egress(french: string, english: string): Field;
/** A whole number. */
export function integer(french: string, english: string): Field;
/** A number. */
export function number(french: string, english: string): Field;
/** Yes or no. */
export function boolean(french: string, english: string): Field;
/** One out of some texts: what is stored, and its title in French and in English. */
export function choice(french: string, english: string, choices: [value: string, french: string, english: string][]): Field;
/** A dataset, for visualisations: `{ id, title }`. */
export function dataset(french: string, english: string): Field;
/** Any number of such fields. Secrets and addresses have no name in a list, and may not stand there. */
export function list(french: string, english: string, of: Field): Field;
/** Fields under a title of their own. */
export function group(french: string, english: string, fields: Schema): Field;
