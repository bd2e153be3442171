import { PAGES } from './support/pages';
import { accessible, expect, test } from './support/test';
import type { House } from './support/house';

test.describe.configure({ mode: 'parallel' });

/** In parts, so that both workers have some. */
const PARTS: ((house: House) => Promise<string[]>)[] = [
  async () => PAGES.slice(0, 6),
  async () => PAGES.slice(6, 11),
  async () => PAGES.slice(11),
  async (house) => {
    const [failed, route, ask] = [await house.start('differ'), await house.start('route'), await house.start('ask', { ticket: 'OPS-axe' })];
    await house.wait(failed.id, 'failed');
    await house.wait(route.id, 'succeeded');
    await house.wait(ask.id, 'waiting');
    return [`/executions/${failed.id}`, `/executions/${ask.id}`, `/executions/${route.id}?view=graph`, `/executions/${failed.id}?view=events`, `/compare?a=${failed.id}&b=${ask.id}`];
  },
];

PARTS.forEach((pages, part) => {
  test(`axe finds nothing serious, in either theme (${part + 1} of ${PARTS.length})`, async ({ me, house }) => {
    test.setTimeout(60_000);
    for (const path of await pages(house)) {
      await me.emulateMedia({ colorScheme: 'dark' });
      await me.goto(house.url + path);
      await expect(me.locator('main h1').first()).toBeVisible();
      await expect(me.locator('main .pulse[role=status]')).toHaveCount(0);
      await test.step(path, () => accessible(me));
      // All that the theme changes is colour.
      await me.emulateMedia({ colorScheme: 'light' });
      await test.step(`${path}, light`, () => accessible(me, ['color-contrast']));
    }
  });
});
