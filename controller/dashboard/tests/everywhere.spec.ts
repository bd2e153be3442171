import { House } from './support/house';
import { AGENTS, FILES, HOSTILE } from './support/manifests';
import { PAGES } from './support/pages';
import { expect, signIn, test, watch } from './support/test';


test('keys alone lead everywhere: g, j, Enter, /, ?, Ctrl+K, Escape', async ({ me, house }) => {
  const run = await house.start('hello', { name: 'Keys' });
  await house.wait(run.id, 'succeeded');
  await expect(me.getByRole('heading', { name: 'Now' })).toBeVisible();
  await me.keyboard.press('g');
  await me.keyboard.press('e');
  await expect(me.getByRole('heading', { name: 'Executions' })).toBeVisible();
  await expect(me.getByRole('link', { name: run.name, exact: true })).toBeVisible();
  await me.keyboard.press('j');
  await me.keyboard.press('Enter');
  await expect(me).toHaveURL(/\/executions\/.+/);
  await expect(me.getByRole('main')).toBeFocused();
  await me.keyboard.press('?');
  await expect(me.getByRole('dialog', { name: 'Keys and settings' })).toBeVisible();
  await me.keyboard.press('Escape');
  await expect(me.getByRole('dialog')).toHaveCount(0);
  await me.keyboard.press('Control+k');
  await me.getByRole('combobox', { name: 'Search and commands' }).fill('run hel');
  await expect(me.getByRole('listbox', { name: 'Found' }).getByRole('option').first()).toContainText('Run hello');
  await me.keyboard.press('Enter');
  await expect(me.getByRole('form', { name: 'Run hello' })).toBeVisible();
  await me.keyboard.press('g');
  await me.keyboard.press('w');
  await expect(me.getByRole('heading', { name: 'Workflows' })).toBeVisible();
  await me.keyboard.press('/');
  await expect(me.getByLabel('Search workflows')).toBeFocused();
  await me.keyboard.type('gw?');
  await expect(me.getByLabel('Search workflows')).toHaveValue('gw?');
});

test('what users and servers wrote stays text, on every page that shows it', async ({ me, house }) => {
  const run = await house.start('hostile');
  await house.wait(run.id, 'waiting');
  for (const path of ['/', '/prompts', '/workflows', '/workflows/hostile?run=1', '/workflows/hostile?view=yaml', '/editor?workflow=hostile', `/executions/${run.id}`, `/executions/${run.id}?step=write`, `/executions/${run.id}?view=graph`, `/executions/${run.id}?view=events`]) {
    await me.goto(house.url + path);
    await expect(me.locator('main h1').first()).toBeVisible();
    await expect(me.locator('main .pulse[role=status]')).toHaveCount(0);
    expect(await me.locator('main img, main script, main b, main iframe, a[href^="javascript"]').count(), path).toBe(0);
    expect(await me.locator('body').innerText(), path).not.toContain('\u202e');
  }
  await me.goto(`${house.url}/executions/${run.id}?step=write`);
  const log = me.getByRole('log', { name: 'stdout of web-1' });
  await expect(log).toContainText('click red <b>bold</b>');
  await expect(log).toContainText('⟨U+202E⟩ txt.exe');
  await expect(log.locator('.fg-1')).toHaveText('red');
  const card = me.getByRole('article');
  await expect(card).toContainText('<img src=x onerror=alert(1)>');
  await card.getByRole('radio').first().check();
  await card.getByRole('button', { name: /^Answer/ }).click();
  await expect(card.getByRole('status')).toContainText('<script>alert(2)</script>');
  await house.wait(run.id, 'succeeded');
  expect(HOSTILE).toContain('onerror');
});

test('a lost connection is said, and what is shown is true again once it is back', async ({ page }) => {
  test.setTimeout(60_000);
  const house = await House.start(FILES, { 'web-1': AGENTS['web-1'] ?? '' });
  const broken = watch(page);
  try {
    const run = await house.start('long');
    await signIn(page, house, '/executions');
    await expect(page.getByRole('list', { name: 'Executions' })).toContainText('running');
    await house.kill('controller');
    await expect(page.getByRole('alert')).toContainText('Connection lost');
    await house.serve();
    await house.api('POST', `/executions/${run.id}/cancel`, { mode: 'kill', reason: 'while nobody looked' });
    await expect(page.getByRole('alert')).toHaveCount(0, { timeout: 20_000 });
    await expect(page.getByText('Connected again')).toBeVisible();
    await expect(page.getByRole('list', { name: 'Executions' })).toContainText('cancelled');
    const hello = await house.start('hello', { name: 'Back' });
    await expect(page.getByRole('link', { name: hello.name, exact: true })).toBeVisible();
    expect(broken).toEqual([]);
  } finally {
    await house.end();
  }
});

test('on a phone every page fits, and More leads to all of them', async ({ me, house }) => {
  await me.setViewportSize({ width: 360, height: 740 });
  for (const path of PAGES) {
    await me.goto(house.url + path);
    await expect(me.locator('main h1, main form').first()).toBeVisible();
    expect(await me.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(360);
  }
  await me.getByRole('button', { name: 'More' }).click();
  await me.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Fleet' }).click();
  await expect(me.getByRole('heading', { name: 'Fleet' })).toBeVisible();
});
