/** A column, as far as the screens show it. */
export interface Column {
  key: string
  type: string
  format?: string
  title?: string
  'x-originalName'?: string
  'x-cardinality'?: number
  'x-calculated'?: boolean
  'x-extension'?: string
  'x-concept'?: { id: string; title: string }
}

/** A dataset, as far as the screens show it. */
export interface Dataset {
  id: string
  slug: string
  title: string
  page: string
  status: string
  errorStatus?: string
  description?: string
  summary?: string
  license?: { title: string; href: string }
  origin?: string
  keywords?: string[]
  file?: { name: string; size: number }
  originalFile?: { name: string; size: number }
  count?: number
  schema: Column[]
  visibility: 'public' | 'private' | 'protected'
  updatedAt: string
  dataUpdatedAt?: string
  finalizedAt?: string
  userPermissions: string[]
  draft?: Draft
}

/** What a file that waits has of its own. */
export interface Draft {
  status: string
  draftReason: { key: 'file-new' | 'file-updated'; validationMode: string }
  originalFile?: { name: string; size: number }
  count?: number
  schema: Column[]
  finalizedAt?: string
}

/** An entry of a dataset's journal. */
export interface JournalEvent {
  type: string
  date: string
  data?: string
}

/** A grant; without `type` it is for everybody. */
export interface Grant {
  type?: string
  id?: string
  classes: string[]
  operations: string[]
}

/** Whether a grant is the one that the switch between public and private writes. */
export function isPublicGrant(grant: Grant): boolean {
  return !grant.type && grant.classes.includes('read')
}
