import { expect, signIn, test } from './support/test';

test('a prompt appears by itself, with its evidence in groups, and is answered by the keyboard alone', async ({ me, house }) => {
  await me.goto(`${house.url}/prompts`);
  await expect(me.getByRole('heading', { name: 'Prompts' })).toBeVisible();
  const ask = await house.start('ask', { ticket: 'OPS-keys' });
  const card = me.getByRole('article', { name: `Prompt of ${ask.name}` });
  await expect(card).toContainText('OPS-keys: install the updates?');
  await expect(card).toContainText('3 same, 1 differ');
  await expect(card).toContainText('12 packages');
  await expect(card).toContainText('7 packages');
  await expect(card.getByRole('timer')).toContainText('left');
  await expect(me).toHaveTitle(/^\(\d+\) Prompts/);
  await card.focus();
  await me.keyboard.press('1');
  await me.keyboard.press('Enter');
  await expect(card.getByRole('status')).toContainText('You answered “Yes”.');
  await house.wait(ask.id, 'succeeded');
  await expect(me.getByRole('row', { name: new RegExp(`${ask.name}.*answered`) })).toBeVisible();
});

test('of two people the first counts, and the other is told who won', async ({ me, house, browser }) => {
  const made = await house.api<{ token: string; name: string }>('POST', '/tokens', { name: `bob-${Date.now()}`, roles: ['operator'] });
  const ask = await house.start('ask', { ticket: 'OPS-two' });
  await house.wait(ask.id, 'waiting');
  const context = await browser.newContext();
  const bob = await context.newPage();
  await signIn(bob, house, `/executions/${ask.id}`, made.token);
  await me.goto(`${house.url}/executions/${ask.id}`);
  // Neither hears of the other by the socket: both choose before either has answered.
  await bob.getByRole('radio', { name: 'No' }).check();
  await me.getByRole('radio', { name: 'Yes' }).check();
  await me.route('**/answer', async (route) => {
    await bob.getByRole('button', { name: 'Answer “No”' }).click();
    await expect(bob.getByText('You answered “No”.')).toBeVisible();
    await route.continue();
  });
  await me.getByRole('button', { name: 'Answer “Yes”' }).click();
  await expect(me.getByText(new RegExp(`${made.name} (was quicker and )?answered “No”`))).toBeVisible();
  await house.wait(ask.id, 'succeeded');
  await context.close();
});

test('it is answered on a phone, with a comment', async ({ me, house }) => {
  await me.setViewportSize({ width: 360, height: 740 });
  const ask = await house.start('ask', { ticket: 'OPS-phone' });
  await house.wait(ask.id, 'waiting');
  await me.getByRole('navigation', { name: 'Main pages' }).getByRole('link', { name: /Prompts/ }).click();
  const card = me.getByRole('article', { name: `Prompt of ${ask.name}` });
  await card.getByText('No', { exact: true }).click();
  await card.getByText('Add a comment').click();
  await card.getByRole('textbox').fill('not tonight');
  const button = card.getByRole('button', { name: 'Answer “No”' });
  expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  await button.click();
  await expect(card.getByRole('status')).toContainText('You answered “No”.');
  await expect(card.getByRole('status')).toContainText('not tonight');
  expect(await me.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await house.wait(ask.id, 'succeeded');
});
