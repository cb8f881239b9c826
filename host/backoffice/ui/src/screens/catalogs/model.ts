import type { Note } from '../../notes'

/** A connector, configured. */
export interface Catalog {
  _id: string
  title: string
  description: string
  plugin: string
  capabilities: string[]
  config: Record<string, unknown> | null
  /** In the answer to who saved: what the plugin remarks. */
  notes?: Note[]
  userPermissions: string[]
}

/** A folder or a resource of a remote catalogue. */
export interface Entry {
  id: string
  title: string
  type: 'folder' | 'resource'
  format?: string
  size?: number
  updatedAt?: string
}

/** A page of a remote catalogue. */
export interface Listing {
  count: number
  results: Entry[]
  path: Entry[]
}

/** An import or a publication: what goes between here and there. */
export interface Exchange {
  _id: string
  status: string
  error?: string
  /** Why it waits for longer than was planned. */
  putOff?: string
  remoteResource?: { id: string; title: string }
  dataFairDataset?: { id: string; title: string }
  lastImportDate?: string
  lastPublicationDate?: string
}
