/** What a plugin remarks about a configuration that it accepted. */
export interface Note {
  code: string
  message: string
  /** JSON pointer of the field it is about. */
  field?: string
}

/** Where remarks wait in the tab: a form is a document of its own, and what is in its memory ends with it. */
const KEPT = 'halle.notes'

/** Keeps the remarks of an answer for the page of what was saved. */
export function remember(answer: { _id: string; notes?: Note[] }): void {
  sessionStorage.setItem(KEPT, JSON.stringify({ id: answer._id, notes: answer.notes ?? [] }))
}

/** The remarks about the thing with this identifier, if that was saved last. They are told once. */
export function recall(id: string): Note[] {
  const kept = sessionStorage.getItem(KEPT)
  sessionStorage.removeItem(KEPT)
  const last = kept === null ? undefined : JSON.parse(kept) as { id: string; notes: Note[] }
  return last?.id === id ? last.notes : []
}
