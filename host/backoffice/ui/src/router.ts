import { nextTick } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'

import { t } from './i18n'
import { loadSession } from './session'

/**
 * Screens with a configuration form live below `/forms/`. The form library compiles schemas with `new Function`, which the
 * content security policy allows for documents below `/admin/forms/` only; so crossing the border loads a new document.
 */
const FORMS = '/forms/'

/** The document that this script runs in. */
const startedInForms = location.pathname.startsWith(`/admin${FORMS}`)

const titles = {
  datasets: () => t('Jeux de données', 'Datasets'),
  plugins: () => t('Extensions', 'Plugins'),
  processings: () => t('Traitements', 'Processings'),
  catalogs: () => t('Catalogues', 'Catalogues'),
  applications: () => t('Visualisations', 'Visualisations'),
  signIn: () => t('Connexion', 'Sign in'),
  usage: () => t('Consommation', 'Usage'),
  unknown: () => t('Page inconnue', 'Unknown page')
}

export const router = createRouter({
  history: createWebHistory('/admin/'),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', redirect: '/datasets' },
    { path: '/sign-in', component: () => import('./screens/SignIn.vue'), meta: { title: titles.signIn, open: true } },
    { path: '/datasets', component: () => import('./screens/datasets/DatasetList.vue'), meta: { title: titles.datasets } },
    { path: '/datasets/:id', component: () => import('./screens/datasets/DatasetPage.vue'), props: true, meta: { title: titles.datasets } },
    { path: '/plugins', component: () => import('./screens/plugins/PluginList.vue'), meta: { title: titles.plugins } },
    { path: '/plugins/:id', component: () => import('./screens/plugins/PluginPage.vue'), props: true, meta: { title: titles.plugins } },
    { path: '/processings', component: () => import('./screens/processings/ProcessingList.vue'), meta: { title: titles.processings } },
    { path: '/processings/:id', component: () => import('./screens/processings/ProcessingPage.vue'), props: true, meta: { title: titles.processings } },
    { path: '/catalogs', component: () => import('./screens/catalogs/CatalogList.vue'), meta: { title: titles.catalogs } },
    { path: '/catalogs/:id', component: () => import('./screens/catalogs/CatalogPage.vue'), props: true, meta: { title: titles.catalogs } },
    { path: '/applications', component: () => import('./screens/applications/ApplicationList.vue'), meta: { title: titles.applications } },
    { path: '/applications/:id', component: () => import('./screens/applications/ApplicationPage.vue'), props: true, meta: { title: titles.applications } },
    { path: '/usage', component: () => import('./screens/usage/AccountUsage.vue'), meta: { title: titles.usage } },
    { path: `${FORMS}processings/:id?`, component: () => import('./screens/processings/ProcessingForm.vue'), props: true, meta: { title: titles.processings } },
    { path: `${FORMS}catalogs/:id?`, component: () => import('./screens/catalogs/CatalogForm.vue'), props: true, meta: { title: titles.catalogs } },
    { path: `${FORMS}applications/:id?`, component: () => import('./screens/applications/ApplicationForm.vue'), props: true, meta: { title: titles.applications } },
    { path: '/:rest(.*)*', component: () => import('./screens/NotFound.vue'), meta: { title: titles.unknown, open: true } }
  ]
})

router.beforeEach(async to => {
  if (to.path.startsWith(FORMS) !== startedInForms) {
    location.assign(router.resolve(to.fullPath).href)
    return false
  }
  if (to.meta.open) return true
  const { user } = await loadSession().catch(() => ({ user: undefined }))
  return user ? true : { path: '/sign-in', query: { next: to.fullPath } }
})

router.afterEach(async (to, from) => {
  document.title = `${to.meta.title?.() ?? 'Halle'} · Halle`
  if (from.matched.length === 0) return
  // A new screen is announced by its heading, as a new document would be.
  await nextTick()
  document.getElementById('main')?.focus({ preventScroll: true })
})

declare module 'vue-router' {
  interface RouteMeta {
    /** Title of the document. */
    title?: () => string
    /** For everybody, signed in or not. */
    open?: boolean
  }
}
