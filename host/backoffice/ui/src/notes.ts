import { shallowRef } from 'vue'

/** What a plugin remarks about a configuration that it accepted. */
export interface Note {
  code: string
  message: string
  /** JSON pointer of the field it is about. */
  field?: string
}

/** Remarks about what was saved last, for the page of that thing to show. */
export const saved = shallowRef<{ id: string; notes: Note[] }>()

/** Keeps the remarks of an answer until its page is left. */
export function remember(answer: { _id: string; notes?: Note[] }): void {
  saved.value = { id: answer._id, notes: answer.notes ?? [] }
}
