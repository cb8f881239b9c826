import type { Schema } from '../../schema'
import { counted, t } from '../../i18n'

/** An installed plugin, as the registry shows it to whoever may configure one. */
export interface Plugin {
  id: string
  category: string
  version: string
  licence: string
  title: Record<string, string>
  description: Record<string, string>
  authors: string[]
  digest: string
  signedBy?: string
  keyId?: string
  granted: boolean
  disabled: boolean
  public: boolean
  privateAccess?: Account[]
  size: number
  componentSize: number
  pages: Pages
  configSchema?: Schema
  slots: string[]
  updatedAt: string
  waiting?: Version
  previousVersions: Version[]
}

/** Names of the files of a package that people read. */
export interface Pages {
  documentation?: string
  licence?: string
  sbom?: string
  icon?: string
}

/** A person or an organisation. */
export interface Account {
  type: string
  id: string
  name?: string
  department?: string
}

/** A version of a plugin: one runs, one may wait for consent, some are kept. */
export interface Version {
  version: string
  digest: string
  state: 'current' | 'waiting' | 'kept'
  granted: boolean
  signedBy?: string
  keyId?: string
  size: number
  pages: Pages
  installedAt: string
}

/** Something that uses a plugin. */
export interface Use {
  type: string
  id: string
  title: string
  owner?: Account
}

/** What a plugin may do, or asks for. */
export interface Grants {
  origins: string[]
  methods: string[]
  readSlots: string[]
  writeSlots: string[]
  stateBytesMax: number
  secrets: string[]
}

/** What an administrator reads before consenting. */
export interface Asked {
  id: string
  version: string
  digest: string
  state: 'current' | 'waiting' | 'kept'
  signedBy?: string
  keyId?: string
  asked: Grants
  granted: Grants | null
  grantedBefore: Grants | null
  added: string[]
  dropped: string[]
  limits: { memoryBytesMax: number; cpuMsMax: number; wallMsMax: number; hostCallsMax: number; logRecordsMax: number; graceMs: number }
  admission: { imports: string[]; described: Described }
}

/** What a plugin says of itself; what its kind does not say is empty. */
export interface Described {
  title: string
  abilities: string[]
  formats: string[]
  sizes: string[]
  columns: { key: string; kind: string; isOptional: boolean; title: string | null; concept: string | null }[]
  details?: unknown
}

/** Screens of what uses plugins; remote services have none. */
export const SCREENS: Record<string, string> = { processing: 'processings', catalog: 'catalogs', application: 'applications', dataset: 'datasets' }

/** Name of what uses plugins. */
export function typeName(type: string): string {
  const names: Record<string, string> = {
    processing: t('traitement', 'processing'),
    catalog: t('catalogue', 'catalogue'),
    application: t('visualisation', 'visualisation'),
    dataset: t('jeu de données', 'dataset'),
    'remote-service': t('service distant', 'remote service'),
    admission: t('vérification et compilation', 'check and compilation')
  }
  return names[type] ?? type
}

/** What a version of a plugin used for one thing that called it. */
export interface UsageLine extends UsageSums {
  version: string
  account: Account | null
  instance: { type: string; id: string }
}

/** What calls used, in sum. */
export interface UsageSums {
  calls: number
  answered: number
  reported: number
  trapped: number
  stopped: number
  cancelled: number
  wallMs: number
  guestMs: number
  memoryPeakBytes: number
  /** Calls of the plugin to the host. */
  hostCalls: number
  /** Texts, byte strings and columns that the host gave to the plugin. */
  bytesIn: number
  /** The same that the plugin gave to the host. */
  bytesOut: number
  /** Bodies that the plugin's own requests received. */
  httpBytesIn: number
  /** Bodies that they sent. */
  httpBytesOut: number
}

/** What plugins used in some days: a page of lines, how many there are, and everything in one sum. */
export interface Usage<Line extends UsageSums = UsageLine> {
  from: string
  to: string
  count: number
  total: UsageSums
  results: Line[]
}

/** What did not end with an answer, in words: the numbers alone would not say what to look at. */
export function faults(sums: UsageSums): string {
  const named = [
    { count: sums.trapped, fr: ['plantage', 'plantages'], en: ['crash', 'crashes'] },
    { count: sums.stopped, fr: ['limite atteinte', 'limites atteintes'], en: ['limit reached', 'limits reached'] },
    { count: sums.reported, fr: ['problème signalé', 'problèmes signalés'], en: ['reported problem', 'reported problems'] },
    { count: sums.cancelled, fr: ['annulation', 'annulations'], en: ['cancellation', 'cancellations'] }
  ]
  const told = named.filter(one => one.count > 0).map(one => counted(one.count, one.fr as [string, string], one.en as [string, string]))
  return told.join(', ') || t('aucune', 'none')
}

/** Name of a kind of plugin. */
export function kindName(kind: string): string {
  const names: Record<string, string> = {
    'processing': t('Traitement', 'Processing'),
    'catalog-connector': t('Connecteur de catalogue', 'Catalogue connector'),
    'enricher': t('Enrichisseur', 'Enricher'),
    'visualisation': t('Visualisation', 'Visualisation'),
    'remote-service': t('Service distant', 'Remote service')
  }
  return names[kind] ?? kind
}

/** Who signed, in words. */
export function signature(by: { signedBy?: string; keyId?: string }): string {
  if (by.signedBy) return t(`signée par ${by.signedBy} (clé ${by.keyId})`, `signed by ${by.signedBy} (key ${by.keyId})`)
  if (by.keyId) return t(`signée par une clé inconnue (${by.keyId})`, `signed by an unknown key (${by.keyId})`)
  return t('non signée', 'unsigned')
}
