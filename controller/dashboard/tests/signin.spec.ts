import { TOKEN } from './support/house';
import { expect, signIn, test, watch } from './support/test';

test('a wrong token says so, the right one lets in, it outlives a reload, and signing out ends it', async ({ page, house }) => {
  const broken = watch(page);
  await page.goto(`${house.url}/workflows`);
  await page.getByLabel('Token').fill('pulse_admin_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('token');
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByLabel('Token').press('Enter');
  await expect(page.getByRole('heading', { name: 'Workflows' })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('link', { name: 'hello', exact: true })).toBeVisible();
  expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]))).not.toContain('5555');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByText('You are signed out.')).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('Token')).toBeVisible();
  expect(broken).toEqual([]);
});

test('the page and its files: a policy without exceptions, no more than 250 kB, on the screen within a second', async ({ page, house }) => {
  const html = await fetch(house.url);
  const policy = html.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
  expect(html.headers.get('x-content-type-options')).toBe('nosniff');
  await signIn(page, house);
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.setCacheDisabled', { cacheDisabled: true });
  let bytes = 0;
  client.on('Network.loadingFinished', (loaded) => (bytes += loaded.encodedDataLength));
  await page.goto(house.url);
  await expect(page.getByRole('heading', { name: 'Under way' })).toBeVisible();
  await expect(page.locator('main .pulse[role=status]')).toHaveCount(0);
  const first = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThan(250_000);
  expect(first).toBeLessThan(1000);
});

test('an address into the dashboard works, and what is none says so', async ({ me, house }) => {
  await me.goto(`${house.url}/schedules/nightly`);
  await expect(me.getByRole('heading', { name: 'nightly' })).toBeVisible();
  await expect(me.getByRole('columnheader', { name: 'In Asia/Tokyo' })).toBeVisible();
  await expect(me.locator('td', { hasText: '02:30' }).first()).toBeVisible();
  await me.goto(`${house.url}/executions/hello%23999999`);
  await expect(me.getByRole('alert')).toContainText('no execution');
});

test('who may only look sees what needs more, and is told so', async ({ page, house }) => {
  const made = await house.api<{ token: string }>('POST', '/tokens', { name: `viewer-${Date.now()}`, roles: ['viewer'] });
  const ask = await house.start('ask', { ticket: 'OPS-viewer' });
  await house.wait(ask.id, 'waiting');
  await signIn(page, house, `/executions/${ask.id}`, made.token);
  await expect(page.getByText('You may see this and not answer it')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeDisabled();
  await expect(page.getByRole('link', { name: 'Tokens' })).toHaveCount(0);
  await house.api('POST', `/executions/${ask.id}/cancel`, { mode: 'kill' });
});
