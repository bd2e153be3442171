import { AGENTS, FILES } from './support/manifests';
import { Issuer, Proxy } from './support/doors';
import { House } from './support/house';
import { expect, test, watch } from './support/test';

test.describe.configure({ timeout: 60_000 });

test('at the house’s identity provider: in, to the page one wanted, as what one is, and out again', async ({ page }) => {
  let issuer: Issuer | undefined;
  const house = await House.start(FILES, {}, async (url) => (issuer = await Issuer.start(url)).settings());
  const broken = watch(page);
  try {
    await page.goto(`${house.url}/workflows/hello`);
    await page.getByRole('link', { name: 'Sign in with The House' }).click();
    await expect(page).toHaveURL(`${house.url}/workflows/hello`);
    await expect(page.getByRole('heading', { name: 'hello' })).toBeVisible();
    await expect(page.getByText('anna', { exact: true })).toBeVisible();
    await page.goto(`${house.url}/status`);
    await expect(page.getByText('anna (Anna Müller), operator')).toBeVisible();
    // The session at the provider ends with it, which the provider asks about; so nobody who comes to this browser is anna by one click.
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await expect(page).toHaveURL(`${house.url}/`);
    await expect(page.getByRole('link', { name: 'Sign in with The House' })).toBeVisible();
    expect(broken).toEqual([]);
  } finally {
    issuer?.end();
    await house.end();
  }
});

test('behind a proxy that says who one is there is nothing to sign in, and what happens is seen live', async ({ page }) => {
  const house = await House.start(FILES, AGENTS, async () => ({ PULSE_TRUSTED_PROXIES: '127.0.0.1' }));
  const proxy = await Proxy.before(house.url);
  const broken = watch(page);
  try {
    await page.goto(proxy.url);
    await expect(page.getByRole('heading', { name: 'Under way' })).toBeVisible();
    await expect(page.getByLabel('Token')).toHaveCount(0);
    await expect(page.getByText('anna', { exact: true })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Sign out' })).toHaveCount(0);
    await expect(page.getByRole('link', { name: 'Tokens' })).toHaveCount(0);
    const asked = await house.start('ask', { ticket: 'OPS-7' });
    await house.wait(asked.id, 'waiting');
    await expect(page).toHaveTitle(/\(1\)/);
    await house.api('POST', `/executions/${asked.id}/cancel`, { mode: 'kill' });
    await expect(page).not.toHaveTitle(/\(1\)/);
    expect(broken).toEqual([]);
  } finally {
    await proxy.end();
    await house.end();
  }
});

test('who wants to be told is told when something waits, and the click leads there', async ({ me, house, context }) => {
  await context.grantPermissions(['notifications']);
  // What the desktop would show; the page believes that nobody looks at it.
  await me.addInitScript(() => {
    const told: { title: string; body: string | undefined; click: () => void }[] = [];
    class Told {
      static permission = 'granted';
      static requestPermission = async () => 'granted';
      onclick: () => void = () => undefined;
      constructor(title: string, options?: NotificationOptions) {
        told.push({ title, body: options?.body, click: () => this.onclick() });
      }
    }
    Object.assign(window, { Notification: Told, told });
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
  });
  await me.reload();
  await expect(me.getByRole('heading', { name: 'Under way' })).toBeVisible();
  await me.keyboard.press('?');
  await me.getByLabel('Notify me when something waits for an answer').check();
  await me.keyboard.press('Escape');
  const asked = await house.start('ask', { ticket: 'OPS-told' });
  await house.wait(asked.id, 'waiting');
  const told = () => me.evaluate(() => (window as unknown as { told: { title: string; body: string }[] }).told.map((one) => `${one.title}: ${one.body}`));
  await expect.poll(async () => (await told()).join('\n')).toContain('asks: ');
  await me.evaluate(() => (window as unknown as { told: { click: () => void }[] }).told[0]?.click());
  await expect(me).toHaveURL(/\/prompts\//);
  await house.api('POST', `/executions/${asked.id}/cancel`, { mode: 'kill' });
});
