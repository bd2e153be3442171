/** The tests' ground: a house per worker, a page that is signed in, and no page may break the policy or throw. */
import { test as base, expect, type Page } from '@playwright/test';
import AxeBuilder from '@axe-core/playwright';
import { House, TOKEN } from './house';
import { AGENTS, FILES } from './manifests';

interface Ground {
  /** Signed in, at the beginning. */
  me: Page;
}

export const test = base.extend<Ground, { house: House }>({
  house: [
    async ({}, use) => {
      const house = await House.start(FILES, AGENTS);
      await use(house);
      await house.end();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  me: async ({ page, house }, use) => {
    const broken = watch(page);
    await signIn(page, house);
    await use(page);
    expect(broken, 'nothing broke the policy, nothing was thrown').toEqual([]);
  },
});

/** What a page must never do. */
export function watch(page: Page): string[] {
  const broken: string[] = [];
  page.on('pageerror', (error) => broken.push(`thrown: ${error.message}`));
  page.on('dialog', (dialog) => {
    broken.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/Content Security Policy|violates the following/i.test(message.text())) broken.push(message.text());
  });
  return broken;
}

export async function signIn(page: Page, house: House, path = '/', token = TOKEN): Promise<void> {
  await page.goto(house.url + path);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('navigation', { name: 'Pages' })).toBeAttached();
}

/** No serious finding, and none of contrast. */
export async function accessible(page: Page, rules: string[] | null = null): Promise<void> {
  const all = new AxeBuilder({ page });
  const result = await (rules ? all.withRules(rules) : all.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])).analyze();
  const serious = result.violations.filter((one) => one.impact === 'serious' || one.impact === 'critical');
  expect(serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ') + ' ' + (node.failureSummary ?? '')).join(' | ')}`)).toEqual([]);
}

export { expect };
