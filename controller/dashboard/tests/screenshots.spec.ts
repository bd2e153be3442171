/** Every page, in both themes, at the size of a desk and of a phone, for `docs/screenshots`. */
import { resolve } from 'node:path';
import { expect, test, signIn } from './support/test';

const OUT = process.env['SCREENSHOTS'] ?? resolve(import.meta.dirname, '../../../docs/screenshots');
const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
test.setTimeout(240_000);

test('every page', async ({ page, house }) => {
  const hello = await house.start('hello', { name: 'Ada' });
  await house.wait(hello.id, 'succeeded');
  const differ = await house.start('differ');
  await house.wait(differ.id, 'failed');
  const route = await house.start('route');
  await house.wait(route.id, 'succeeded');
  const again = await house.start('differ');
  await house.wait(again.id, 'failed');
  const ask = await house.start('ask', { ticket: 'OPS-42' });
  await house.wait(ask.id, 'waiting');
  const long = await house.start('long');
  await house.api('POST', '/pauses', { scope: 'workflow/big', reason: 'OPS-7: the disk is being replaced', expires: '2h' });
  house.write('broken.yaml', 'apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: broken}\nspec:\n  steps:\n    - {id: a, type: execute, targets: [all], comand: uptime}\n');
  const refused = await house.sync();
  expect(refused.outcome).toBe('refused');
  const pages: Record<string, string> = {
    now: '/', prompts: '/prompts', executions: '/executions', execution: `/executions/${differ.id}`, waiting: `/executions/${ask.id}`,
    graph: `/executions/${route.id}?view=graph`, events: `/executions/${hello.id}?view=events`, live: `/executions/${long.id}`,
    compare: `/compare?a=${hello.id}&b=${differ.id}`, workflows: '/workflows', workflow: '/workflows/ask?run=1', yaml: '/workflows/ask?view=yaml',
    schedules: '/schedules', schedule: '/schedules/nightly', fleet: '/agents', agent: '/agents/web-1', syncs: '/syncs', sync: `/syncs/${refused.id}`,
    pauses: '/pauses', editor: '/editor?workflow=ask', tokens: '/tokens', audit: '/audit', health: '/status',
  };
  await page.goto(house.url);
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: `${OUT}/sign-in-${theme}.png` });
  }
  await signIn(page, house);
  for (const [name, path] of Object.entries(pages)) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      await page.goto(house.url + path);
      await expect(page.locator('main h1')).toBeVisible();
      await expect(page.locator('main .pulse[role=status]')).toHaveCount(0);
      if (name === 'editor') await expect(page.getByText('valid', { exact: true })).toBeVisible();
      for (const theme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme: theme });
        await page.screenshot({ path: `${OUT}/${name}-${theme}-${size}.png` });
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} fits ${size}`).toBe(true);
    }
  }
  await page.setViewportSize(SIZES.desk);
  await page.goto(house.url);
  await expect(page.getByRole('heading', { name: 'Now' })).toBeVisible();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search and commands' }).fill('run');
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: `${OUT}/palette-${theme}-desk.png` });
  }
  await house.api('POST', `/executions/${long.id}/cancel`, { mode: 'kill', reason: 'done' });
});
