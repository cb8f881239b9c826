import 'vuetify/styles'
import { createVuetify } from 'vuetify'
import {
  VAlert, VApp, VAppBar, VAppBarNavIcon, VAutocomplete, VBtn, VCard, VCardActions, VCardText, VCardTitle, VCheckbox, VChip,
  VDivider, VFileInput, VForm, VIcon, VList, VListItem, VListItemTitle, VMain, VMenu, VNavigationDrawer, VPagination,
  VProgressLinear, VSelect, VSpacer, VSwitch, VTable, VTextarea, VTextField
} from 'vuetify/components'
import { aliases, mdi } from 'vuetify/iconsets/mdi-svg'
import { en, fr } from 'vuetify/locale'

import { locale } from './i18n'

/** Only what the screens use; the form renderer imports its own. Icons are SVG paths: no icon font. */
export const vuetify = createVuetify({
  components: {
    VAlert, VApp, VAppBar, VAppBarNavIcon, VAutocomplete, VBtn, VCard, VCardActions, VCardText, VCardTitle, VCheckbox, VChip,
    VDivider, VFileInput, VForm, VIcon, VList, VListItem, VListItemTitle, VMain, VMenu, VNavigationDrawer, VPagination,
    VProgressLinear, VSelect, VSpacer, VSwitch, VTable, VTextarea, VTextField
  },
  icons: { defaultSet: 'mdi', aliases, sets: { mdi } },
  locale: { locale: locale.value, fallback: 'en', messages: { fr, en } },
  defaults: {
    VBtn: { variant: 'flat', class: 'text-none' },
    VCard: { rounded: 'lg', elevation: 0, border: true },
    VTextField: { variant: 'outlined', density: 'comfortable' },
    VTextarea: { variant: 'outlined', density: 'comfortable' },
    VNumberInput: { variant: 'outlined', density: 'comfortable' },
    VSelect: { variant: 'outlined', density: 'comfortable' },
    VAutocomplete: { variant: 'outlined', density: 'comfortable' },
    VFileInput: { variant: 'outlined', density: 'comfortable' },
    VAlert: { variant: 'tonal' }
  },
  theme: {
    defaultTheme: 'light',
    themes: {
      light: {
        colors: {
          primary: '#14477a', secondary: '#5b4a8a', success: '#1d6b3a', error: '#a8201a', warning: '#7a4b00', info: '#14477a',
          background: '#f5f7fa', surface: '#ffffff'
        },
        // Labels at Vuetify's 0.6 fall below the contrast that WCAG asks for.
        variables: { 'medium-emphasis-opacity': 0.8 }
      }
    }
  }
})
