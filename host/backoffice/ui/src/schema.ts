/** A JSON Schema, or a part of one. */
export type Schema = Record<string, unknown>

/** Keywords whose value maps names to schemas: there a key is a name, whatever it looks like. */
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])

/** Keywords whose value is data, not a schema. */
const DATA = new Set(['default', 'const', 'enum', 'examples', 'required'])

/**
 * The schema as the form shows it. Secrets are typed blind. A schema is code to the form library (`layout` expressions are
 * compiled), so that of a plugin that no trusted key signed loses its expressions, and the markup in its texts.
 */
export function formSchema(schema: Schema, trusted: boolean): Schema {
  return part(schema, trusted) as Schema
}

function part(value: unknown, trusted: boolean): unknown {
  if (Array.isArray(value)) return value.map(entry => part(entry, trusted))
  if (typeof value !== 'object' || value === null) return value
  const source = value as Schema
  const shown: Schema = {}
  for (const [keyword, content] of Object.entries(source)) {
    if (DATA.has(keyword)) shown[keyword] = content
    else if (MAPS.has(keyword)) shown[keyword] = named(content, trusted)
    else if (typeof content === 'string' && !trusted) shown[keyword] = plainText(keyword, content)
    else if (trusted || keyword !== 'layout') shown[keyword] = part(content, trusted)
  }
  if (!trusted) delete shown.layout
  if (source['x-secret'] === true) {
    shown.layout = { comp: 'text-field', props: { type: 'password', autocomplete: 'new-password' } }
  }
  return shown
}

function named(content: unknown, trusted: boolean): Schema {
  const entries = Object.entries((content ?? {}) as Schema)
  return Object.fromEntries(entries.map(([name, schema]) => [name, part(schema, trusted)]))
}

function plainText(keyword: string, text: string): string {
  return keyword === 'title' || keyword === 'description' ? text.replaceAll('<', '‹').replaceAll('>', '›') : text
}
