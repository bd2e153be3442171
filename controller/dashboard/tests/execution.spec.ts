import { readFileSync } from 'node:fs';
import { House } from './support/house';
import { FILES } from './support/manifests';
import { expect, signIn, test } from './support/test';

test('what failed is seen first: who is alike, who differs and how', async ({ me, house }) => {
  const run = await house.start('differ');
  await house.wait(run.id, 'failed');
  await me.goto(`${house.url}/executions/${run.id}`);
  await expect(me.getByText('3 same, 1 differ')).toBeVisible();
  const step = me.getByRole('region', { name: 'Step look' });
  await expect(step.locator('details').first()).toContainText('db-1');
  const errors = step.getByRole('log', { name: 'stderr of db-1' });
  await expect(errors).toContainText('ERROR: disk is full');
  await expect(errors.locator('.fg-1')).toHaveText('ERROR');
  await step.getByRole('button', { name: 'Show the difference' }).click();
  const difference = step.getByRole('region', { name: 'Difference of db-1' });
  await expect(difference.locator('.added')).toContainText(['stderr: ERROR: disk is full']);
  await expect(difference.locator('.removed')).toContainText(['load fine']);
});

test('a command is followed live, and killed', async ({ me, house }) => {
  const run = await house.start('long');
  await me.goto(`${house.url}/executions/${run.id}`);
  const log = me.getByRole('log', { name: 'stdout of web-1' });
  await expect(log).toContainText('tick 3');
  await expect(log).toContainText('tick 8');
  await me.getByRole('button', { name: 'Cancel' }).click();
  const dialog = me.getByRole('dialog', { name: /Cancel long/ });
  await dialog.getByText('Also end the commands that run').click();
  await dialog.getByLabel('Why?').fill('seen enough');
  await dialog.getByRole('button', { name: 'Cancel and kill' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(me.locator('h1')).toContainText('cancelled');
  await expect(me.getByRole('region', { name: 'About this execution' })).toContainText('seen enough');
});

test('thirty thousand lines scroll, are searched, lead to the first error, and are downloaded', async ({ me, house }) => {
  const run = await house.start('big');
  await house.wait(run.id, 'succeeded');
  await me.goto(`${house.url}/executions/${run.id}`);
  const log = me.getByRole('log', { name: 'stdout of web-1' });
  await expect(log).toContainText('line 1');
  await expect(me.getByText('30006 lines')).toBeVisible();
  expect(await log.locator('.line').count()).toBeLessThan(200);
  await me.getByRole('button', { name: 'First error' }).click();
  await expect(log.locator('.here')).toContainText('fatal: the last line');
  await me.getByLabel('Search in stdout of web-1').fill('line 25000');
  await expect(log.locator('.here')).toContainText('line 25000');
  const waiting = me.waitForEvent('download');
  await me.getByRole('button', { name: 'Download stdout of web-1' }).click();
  const file = readFileSync(await (await waiting).path(), 'utf8');
  expect(file.split('\n')).toHaveLength(30_007);
});

test('the graph shows the way that was gone, events tell it, and a retry takes over what succeeded', async ({ me, house }) => {
  const run = await house.start('route');
  await house.wait(run.id, 'succeeded');
  await me.goto(`${house.url}/executions/${run.id}?view=graph`);
  await me.getByRole('button', { name: 'clean, execute, succeeded' }).press('Enter');
  await expect(me.getByRole('region', { name: 'Step clean' })).toContainText('cleaned');
  await expect(me.locator('path.edge.taken')).toHaveCount(4);
  await me.getByRole('tab', { name: 'Events' }).click();
  await me.getByLabel('Search events').fill('route');
  await expect(me.getByRole('button', { name: /takes “full” to clean/ })).toBeVisible();

  const failed = await house.start('differ');
  await house.wait(failed.id, 'failed');
  await me.goto(`${house.url}/executions/${failed.id}`);
  await me.getByRole('button', { name: 'Retry' }).click();
  await me.getByRole('button', { name: 'Run it' }).click();
  await expect(me).not.toHaveURL(new RegExp(failed.id));
  await expect(me.locator('h1')).toContainText('failed');
  await expect(me.getByText('an earlier execution')).toBeVisible();
  await me.getByRole('region', { name: 'About this execution' }).getByRole('link', { name: 'compare' }).first().click();
  await expect(me.getByRole('heading', { name: 'Compare' })).toBeVisible();
  await expect(me.getByRole('row', { name: /look/ })).toContainText('4 same, 0 differ');
});

test('why it stands still is said in words', async ({ me, house }) => {
  const pause = await house.api<{ id: string }>('POST', '/pauses', { scope: 'workflow/hello', reason: 'OPS-9: maintenance' });
  const run = await house.start('hello');
  await me.goto(`${house.url}/executions/${run.id}`);
  await expect(me.getByRole('region', { name: 'Why it stands where it stands' })).toContainText('OPS-9: maintenance');
  await me.goto(`${house.url}/pauses`);
  await me.getByRole('row', { name: /OPS-9/ }).getByRole('button', { name: 'End it' }).click();
  await house.wait(run.id, 'succeeded');
  await expect(me.getByRole('row', { name: /OPS-9/ })).toContainText('ended');
  expect(pause.id).toBeTruthy();
});

test('what nobody knows is said to be unknown, and a person who looked settles it', async ({ page }) => {
  const house = await House.start(FILES, { 'web-1': '' });
  try {
    const run = await house.start('long');
    await signIn(page, house, `/executions/${run.id}`);
    await expect(page.getByRole('log')).toContainText('tick 2');
    await house.crash('web-1');
    await house.comeBack('web-1');
    await expect(page.locator('h1')).toContainText('an attempt is unknown');
    await expect(page.getByText('Nobody knows how this ended on web-1.')).toBeVisible();
    const settle = page.getByRole('button', { name: 'It succeeded' });
    await expect(settle).toBeDisabled();
    await page.getByLabel('How do you know?').fill('the file is there');
    await settle.click();
    await expect(page.locator('h1')).toContainText('succeeded');
    await page.getByRole('tab', { name: 'Events' }).click();
    await expect(page.getByRole('button', { name: /settled an unknown as succeeded: the file is there/ })).toBeVisible();
  } finally {
    await house.end();
  }
});
