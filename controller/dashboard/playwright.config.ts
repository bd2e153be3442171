/** The browser's tests: Debian's Chromium against the real controller and real agents, which each worker starts for itself. */
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

export default defineConfig({
  testDir: 'tests',
  outputDir: '../../target/dashboard-tests',
  fullyParallel: false,
  workers: 2,
  timeout: 30_000,
  expect: { timeout: 8_000 },
  reporter: [['list']],
  forbidOnly: true,
  use: {
    viewport: { width: 1280, height: 900 },
    launchOptions: { ...(chromium ? { executablePath: chromium } : {}), args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] },
    actionTimeout: 8_000,
    trace: 'off',
  },
  projects: [
    { name: 'tests', testIgnore: 'screenshots.spec.ts' },
    { name: 'screenshots', testMatch: 'screenshots.spec.ts' },
  ],
});
