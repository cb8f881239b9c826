/** The pictures in use, under the names of what they stand for. */
export {
  mdiAccountCircle, mdiBookOpenPageVariant as mdiCatalog, mdiChartBar, mdiCogPlay, mdiDatabase, mdiLogout, mdiPuzzle,
  mdiShieldAccount, mdiTranslate, mdiUpload, mdiPlus, mdiPlay, mdiStop, mdiPencil, mdiDelete, mdiCheckCircle,
  mdiAlertCircle, mdiProgressClock, mdiMagnify, mdiFolder, mdiFile, mdiArrowUp, mdiDownload, mdiHistory, mdiGauge
} from '@mdi/js'
