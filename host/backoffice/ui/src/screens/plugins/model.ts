import type { Schema } from '../../schema'
import { t } from '../../i18n'

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
  granted: boolean
  configSchema?: Schema
  slots: string[]
  updatedAt: string
  previousVersions: { version: string; digest: string }[]
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
  signedBy?: string
  asked: Grants
  granted: Grants | null
  limits: { memoryBytesMax: number; cpuMsMax: number; wallMsMax: number; hostCallsMax: number; logRecordsMax: number; graceMs: number }
  admission: { imports: string[]; exports: string[]; initialMemoryBytes: number }
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
