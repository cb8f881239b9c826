import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

/** Where `halle serve` listens while the UI is developed with `npm run dev`. */
const server = process.env.HALLE_URL ?? 'http://127.0.0.1:8080'
const apis = ['/data-fair', '/simple-directory', '/processings/', '/catalogs/api', '/registry/api']

export default defineConfig({
  base: '/admin/',
  plugins: [vue()],
  resolve: {
    // vjsf 4.3.0 looks for VColorInput where Vuetify 4 no longer keeps it.
    alias: { 'vuetify/labs/VColorInput': 'vuetify/components/VColorInput' }
  },
  server: { proxy: Object.fromEntries(apis.map(path => [path, { target: server, ws: true }])) },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 900,
    // No inlined assets: the content security policy then needs no exception for them.
    assetsInlineLimit: 0
  }
})
