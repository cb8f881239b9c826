import { t } from './i18n'

/** A JSON Schema, or a part of one. */
export type Schema = Record<string, unknown>

/** Keywords whose value maps names to schemas: there a key is a name, whatever it looks like. */
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])

/** Keywords whose value is data, not a schema. */
const DATA = new Set(['default', 'const', 'enum', 'examples', 'required'])

/** Keywords of the form library, which may hold expressions. */
const LAYOUTS = new Set(['layout', 'oneOfLayout', 'patternPropertiesLayout', 'errorMessage'])

/**
 * The schema as the form shows it. Secrets are typed blind. A schema is code to the form library (`layout` expressions are
 * compiled), so that of a plugin that no trusted key signed loses its expressions, and the markup in its texts. What a server
 * refused is told beside its field.
 */
export function formSchema(schema: Schema, trusted: boolean, refused?: FieldError): Schema {
  const marked = refused ? mark(schema, refused.path, refused.message) : schema
  return part(marked, trusted) as Schema
}

/** What a server says of a field: its names from the outside in, and the sentence to show beside it. */
export interface FieldError {
  path: string[]
  message: string
}

/** Of ours, in a schema: what is shown beside the field. */
const REFUSED = 'x-refused'

/** The schema with the sentence at the field that a path leads to, or at the last one on its way that has a place in the form. */
function mark(schema: Schema, path: string[], message: string): Schema {
  const [name, ...rest] = path
  if (name === undefined) return { ...schema, [REFUSED]: message }
  const below = (source: Schema): Schema | undefined => {
    const field = (source.properties as Schema | undefined)?.[name] as Schema | undefined
    if (!field) return undefined
    return { ...source, properties: { ...(source.properties as Schema), [name]: mark(field, rest, message) } }
  }
  for (const keyword of ['oneOf', 'anyOf', 'allOf']) {
    const branches = schema[keyword]
    if (!below(schema) && Array.isArray(branches) && branches.some(branch => below(branch as Schema))) {
      return { ...schema, [keyword]: branches.map(branch => below(branch as Schema) ?? branch) }
    }
  }
  return below(schema) ?? { ...schema, [REFUSED]: message }
}

/** A layout with the sentence below the field, in the colour of errors. It does not keep anybody from trying again. */
function refusedLayout(layout: unknown, message: string): Schema {
  const given = typeof layout === 'string' ? { comp: layout } : ((layout ?? {}) as Schema)
  const props = { ...((given.props ?? {}) as Schema), messages: [message], baseColor: 'error', class: 'refused' }
  return { ...given, props }
}

function part(value: unknown, trusted: boolean): unknown {
  if (Array.isArray(value)) return value.map(entry => part(entry, trusted))
  if (typeof value !== 'object' || value === null) return value
  const source = value as Schema
  const shown: Schema = {}
  for (const [keyword, content] of Object.entries(source)) {
    if (DATA.has(keyword)) shown[keyword] = content
    else if (keyword === 'properties') shown.properties = properties(source, trusted)
    else if (MAPS.has(keyword)) shown[keyword] = named(content, trusted)
    else if (LAYOUTS.has(keyword) && !trusted) continue
    else if (typeof content === 'string' && !trusted) shown[keyword] = plainText(keyword, content)
    else shown[keyword] = part(content, trusted)
  }
  if (source['x-secret'] === true) {
    shown.layout = { comp: 'text-field', props: { type: 'password', autocomplete: 'new-password' } }
  }
  if (typeof source[REFUSED] === 'string' && !Array.isArray(shown.layout)) {
    shown.layout = refusedLayout(shown.layout, source[REFUSED])
    delete shown[REFUSED]
  }
  if (Array.isArray(source.oneOf) && source.oneOf.some(choice => (choice as Schema).properties)) {
    // The library shows the title as a heading only; the field that chooses needs a name of its own.
    shown.oneOfLayout ??= { label: source.title ?? t('Choix', 'Choice') }
  }
  return shown
}

/** Properties; one that may be left out whole, but not in part, is asked for first. */
function properties(source: Schema, trusted: boolean): Schema {
  const required = (source.required ?? []) as string[]
  const shown = Object.entries(named(source.properties, trusted)).map(([name, value]) => {
    const schema = value as Schema
    const inParts = schema.type === 'object' && Array.isArray(schema.required) && !schema.oneOf && schema.default === undefined
    return [name, inParts && !required.includes(name) ? choice(schema) : schema]
  })
  return Object.fromEntries(shown)
}

/** An optional object as a question: nothing, or all that it needs. Without it the form would ask for its fields always. */
function choice({ title, description, ...rest }: Schema): Schema {
  const nothing = { title: t('Non', 'No'), properties: {}, additionalProperties: false }
  const label = title ?? t('Préciser', 'Specify')
  return { type: 'object', title, description, oneOf: [nothing, { ...rest, title: t('Oui', 'Yes') }], oneOfLayout: { label } }
}

/** The configuration without objects that were left empty: those are the optional ones that nobody filled. */
export function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).map(([name, content]) => [name, withoutEmpty(content)] as const)
  return Object.fromEntries(kept.filter(([, content]) => !isEmpty(content)))
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

function named(content: unknown, trusted: boolean): Schema {
  const entries = Object.entries((content ?? {}) as Schema)
  return Object.fromEntries(entries.map(([name, schema]) => [name, part(schema, trusted)]))
}

function plainText(keyword: string, text: string): string {
  return keyword === 'title' || keyword === 'description' ? text.replaceAll('<', '‹').replaceAll('>', '›') : text
}
