import { ref } from 'vue'

/** A language of the interface. */
export type Locale = 'fr' | 'en'

const STORED = 'halle-locale'

/** The language in use; French unless the person chose otherwise. */
export const locale = ref<Locale>(localStorage.getItem(STORED) === 'en' ? 'en' : 'fr')

/** Both texts stand where they are used: they cannot drift apart, and neither can be forgotten. */
export function t(french: string, english: string): string {
  return locale.value === 'fr' ? french : english
}

/** Texts of a plugin's manifest, by language. */
export function localized(texts: Record<string, string> | undefined, otherwise = ''): string {
  return texts?.[locale.value] ?? texts?.fr ?? Object.values(texts ?? {})[0] ?? otherwise
}

export function setLocale(wanted: Locale): void {
  locale.value = wanted
  localStorage.setItem(STORED, wanted)
  document.documentElement.lang = wanted
}

/** An instant as people of this language write it; a dash when there is none. */
export function date(instant: string | undefined | null): string {
  if (!instant) return '–'
  return new Date(instant).toLocaleString(locale.value, { dateStyle: 'medium', timeStyle: 'short' })
}

export function number(value: number | undefined | null): string {
  return value == null ? '–' : value.toLocaleString(locale.value)
}

/** A count with its noun; French keeps the singular for zero. */
export function counted(value: number, french: [string, string], english: [string, string]): string {
  const [one, many] = locale.value === 'fr' ? french : english
  const isOne = locale.value === 'fr' ? value < 2 : value === 1
  return `${number(value)} ${isOne ? one : many}`
}

export function bytes(value: number | undefined | null): string {
  if (value == null) return '–'
  const units = locale.value === 'fr' ? ['o', 'Kio', 'Mio', 'Gio'] : ['B', 'KiB', 'MiB', 'GiB']
  let power = 0
  let size = value
  while (size >= 1024 && power < units.length - 1) {
    size /= 1024
    power += 1
  }
  return `${size.toLocaleString(locale.value, { maximumFractionDigits: 1 })} ${units[power]}`
}

/** A day such as `2026-01-31`, as people of this language write it. */
export function day(text: string): string {
  return new Date(`${text}T00:00:00Z`).toLocaleDateString(locale.value, { dateStyle: 'medium', timeZone: 'UTC' })
}

/** A time that something took. */
export function duration(ms: number): string {
  const [value, unit] = ms < 1000 ? [ms, 'ms'] : ms < 120_000 ? [ms / 1000, 's'] : [ms / 60_000, 'min']
  return `${value.toLocaleString(locale.value, { maximumSignificantDigits: 3 })} ${unit}`
}
