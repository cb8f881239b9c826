import type { Note } from '../../notes'

/** A rule of a schedule. */
export interface Rule {
  type: string
  minute?: number
  hour?: number
  hourStep?: number
  dayOfWeek?: string
  dayOfMonth?: number
  cron?: string
  timeZone?: string
}

/** An execution of a processing; times are RFC 3339. */
export interface Run {
  _id: string
  status: string
  createdAt: string
  scheduledAt?: string
  startedAt?: string
  finishedAt?: string
  /** Why it waits for longer than was planned. */
  putOff?: string
  summary?: string
}

/** The dataset in a slot. */
export interface Slot {
  dataset?: string
  title?: string
}

/** A plugin, configured, with a schedule. */
export interface Processing {
  _id: string
  title: string
  plugin: string
  config: Record<string, unknown> | null
  slots: Record<string, Slot>
  scheduling: Rule[]
  active: boolean
  lastRun?: Run | null
  nextRun?: Run | null
  /** In the answer to who saved: what the plugin remarks. */
  notes?: Note[]
  userPermissions: string[]
}

/** A record of a run's log. */
export interface LogRecord {
  type: 'debug' | 'info' | 'warning' | 'error' | 'task' | 'progress'
  msg?: string
  date?: string
  total?: number | null
  progress?: number
  extra?: Record<string, string>
}
