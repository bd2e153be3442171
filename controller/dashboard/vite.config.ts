// How the bundle is made. It is kept in git (`dist`), so it must come out the same on every machine: no source maps, and names
// made of content alone.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Where `npx vite` sends what the controller answers, while somebody works on the dashboard.
const controller = 'http://127.0.0.1:8080';
const toController = { target: controller, ws: true };

export default defineConfig({
  plugins: [svelte()],
  build: { target: 'es2022', sourcemap: false, modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false },
  server: { proxy: { '/api': toController, '/health': toController, '/schemas': toController } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
