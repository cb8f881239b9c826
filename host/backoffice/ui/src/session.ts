import { computed, ref } from 'vue'

import { DIRECTORY, get, post, remove } from './api'

/** A person's membership in an organisation. */
export interface Membership {
  id: string
  name: string
  role: string
  department?: string
  departmentName?: string
}

/** The session as the directory tells it; without `user` nobody is signed in. */
export interface Session {
  user?: { id: string; name: string; email: string; organizations: Membership[]; isAdmin?: unknown; adminMode?: unknown }
  account?: { type: string; id: string; name: string; department?: string }
  accountRole?: string
}

/** The session of this browser. */
export const session = ref<Session>({})

/** Whether the superadmin powers are on. */
export const adminMode = computed(() => Boolean(session.value.user?.adminMode))

/** Whether the person administers the account they act for: all of it, not a department. */
export const administersAccount = computed(() => {
  const { account, accountRole } = session.value
  if (!account || account.department) return false
  return adminMode.value || account.type === 'user' || accountRole === 'admin'
})

let loaded = false

/** Reads the session, once unless `again`. */
export async function loadSession(again = false): Promise<Session> {
  if (!loaded || again) {
    session.value = await get<Session>(`${DIRECTORY}/auth/my-session`)
    loaded = true
  }
  return session.value
}

/** Signs in and opens the session: the answer is the address that sets the cookies and comes back. */
export async function signIn(email: string, password: string, asAdmin: boolean, next: string): Promise<void> {
  const redirect = encodeURIComponent(`${location.origin}/admin${next}`)
  const callback = await post<string>(`${DIRECTORY}/auth/password?redirect=${redirect}`, { email, password, adminMode: asAdmin })
  location.assign(callback)
}

export async function signOut(): Promise<void> {
  await remove(`${DIRECTORY}/auth`)
  location.assign('/admin/sign-in')
}

export async function leaveAdminMode(): Promise<void> {
  await remove(`${DIRECTORY}/auth/adminmode`)
  location.reload()
}

/** Acts for an organisation, or for the person when there is none. Cookies carry the choice, as in Data Fair. */
export function switchAccount(membership?: Membership): void {
  cookie('id_token_org', membership?.id)
  cookie('id_token_dep', membership?.department)
  cookie('id_token_role', membership?.role)
  location.assign('/admin/datasets')
}

function cookie(name: string, value: string | undefined): void {
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  const rest = value === undefined ? '; Max-Age=0' : ''
  document.cookie = `${name}=${encodeURIComponent(value ?? '')}; Path=/; SameSite=Lax${secure}${rest}`
}
