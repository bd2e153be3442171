import { House } from './support/house';
import { expect, signIn, test } from './support/test';

test('the newcomer’s path: find a workflow, see what it would do, run it, see what it said', async ({ me }) => {
  await me.getByRole('link', { name: 'Workflows' }).first().click();
  await me.getByLabel('Search workflows').fill('say hello');
  await me.getByRole('link', { name: 'Run hello' }).click();
  const form = me.getByRole('form', { name: 'Run hello' });
  await form.getByLabel('count').fill('12');
  await form.getByRole('button', { name: 'Run' }).click();
  await expect(form).toContainText('at most 9');
  await form.getByLabel('count').fill('3');
  await form.getByRole('textbox', { name: /^name/ }).fill('Ada');
  await form.getByRole('button', { name: 'What would it do?' }).click();
  await expect(form.getByRole('region', { name: 'What it would do' })).toContainText('on 4 targets');
  await form.getByRole('button', { name: 'Run' }).click();
  await expect(me.locator('h1')).toContainText('succeeded');
  await expect(me.getByRole('log').first()).toContainText('Hello, Ada');
});

test('the history’s filters are in the address, and go with back and forth', async ({ me, house }) => {
  const run = await house.start('hello', { name: 'Filter' });
  await house.wait(run.id, 'succeeded');
  const failed = await house.start('differ');
  await house.wait(failed.id, 'failed');
  await me.goto(`${house.url}/executions`);
  await me.getByLabel('Status').selectOption('failed');
  await expect(me).toHaveURL(/status=failed/);
  await expect(me.getByRole('link', { name: failed.name })).toBeVisible();
  await expect(me.getByRole('link', { name: run.name, exact: true })).toHaveCount(0);
  await me.goto(`${house.url}/executions?workflow=hello&since=1h&label=team=infra`);
  await expect(me.getByRole('link', { name: run.name, exact: true })).toBeVisible();
  await expect(me.getByLabel('Label')).toHaveValue('team=infra');
  await me.goBack();
  await expect(me.getByLabel('Status')).toHaveValue('failed');
  await me.goto(`${house.url}/executions?commit=zz`);
  await expect(me.getByRole('alert')).toContainText('commit');
  await me.goto(`${house.url}/executions`);
  await me.getByLabel(`Choose ${run.name} to compare`).check();
  await me.getByLabel(`Choose ${failed.name} to compare`).check();
  await me.getByRole('link', { name: 'Compare the two' }).click();
  await expect(me.getByRole('row', { name: /only in/ }).first()).toBeVisible();
});

test('a change is tried before it is committed: completed, its problems at their lines, its plan', async ({ me, house }) => {
  await me.goto(`${house.url}/editor?workflow=hello`);
  const editor = me.getByRole('textbox', { name: 'Manifest' });
  await expect(me.getByText('valid', { exact: true })).toBeVisible();
  await editor.click();
  await me.keyboard.press('Control+End');
  await me.keyboard.type('    - id: more');
  await me.keyboard.press('Enter');
  await me.keyboard.type('typ');
  await expect(me.getByRole('option', { name: /^type/ })).toBeVisible();
  await me.keyboard.press('Escape');
  await me.keyboard.type('o: x');
  await expect(me.getByText(/\d problems?/).first()).toBeVisible();
  await me.getByRole('button', { name: /hello\.yaml:\d+:\d+/ }).first().click();
  await expect(me.locator('.cm-lintRange-error').first()).toBeVisible();
  // Every workflow, written as YAML from what is live, is one that the controller takes.
  for (const name of ['ask', 'route', 'differ', 'hostile']) {
    await me.goto(`${house.url}/editor?workflow=${name}`);
    await expect(me.getByText('valid', { exact: true }), name).toBeVisible();
  }
  await me.goto(`${house.url}/editor`);
  await expect(me.getByText('valid', { exact: true })).toBeVisible();
  await me.getByRole('button', { name: 'What would it change?' }).click();
  await expect(me.getByRole('heading', { name: 'What it would change' })).toBeVisible();
  await expect(me.locator('pre.plan')).toContainText('my-workflow');
});

test('a commit with errors is told at its line, and one that retires much waits for a word', async ({ page }) => {
  const one = (name: string) => `apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: ${name}}\nspec:\n  steps:\n    - {id: a, type: execute, targets: [all], command: "true"}\n`;
  const names = ['a', 'b', 'c', 'd', 'e'];
  const house = await House.start({ 'all.yaml': names.map(one).join('---\n') }, {});
  try {
    await signIn(page, house, '/syncs');
    house.write('all.yaml', one('a').replace('command', 'comand'));
    await page.getByRole('button', { name: 'Look now' }).click();
    await page.getByRole('link', { name: 'default: refused' }).click();
    await expect(page.getByText('all.yaml:6:')).toHaveCount(2);
    await expect(page.getByText('did you mean `command`?')).toBeVisible();
    house.write('all.yaml', one('a'));
    await page.goto(`${house.url}/syncs`);
    await expect(page.getByText(/held/).first()).toBeVisible();
    await page.goto(house.url);
    await page.getByRole('link', { name: 'Look at it' }).click();
    await expect(page.getByText('It would retire 4 objects')).toBeVisible();
    await page.getByRole('button', { name: /Release/ }).click();
    await expect(page.locator('h1')).toContainText('applied');
    await expect(page.getByText(/Released by/)).toBeVisible();
  } finally {
    await house.end();
  }
});

test('the fleet: found, enrolled by a line to paste, cordoned, replaced and revoked', async ({ me, house }) => {
  await house.enrol(`spare-${test.info().workerIndex}`, 'role=spare');
  const spare = `spare-${test.info().workerIndex}`;
  await me.goto(`${house.url}/agents`);
  await me.getByLabel('Search agents').fill('role=spare');
  await expect(me.getByRole('list', { name: 'Agents' }).getByRole('link')).toHaveText([spare]);
  await me.getByRole('button', { name: 'Enrol …' }).click();
  await me.getByLabel('Only these names').fill('web-9');
  await me.getByRole('button', { name: 'Make a token' }).click();
  await expect(me.getByLabel('Command', { exact: true })).toHaveText(/^PULSE_SERVER=http:\/\/127\.0\.0\.1:\d+ PULSE_AGENT_TOKEN=\S+ pulse-agent$/);
  await me.getByRole('button', { name: 'Done' }).click();
  await me.getByRole('link', { name: spare }).click();
  await me.getByRole('button', { name: 'Cordon …' }).click();
  await me.getByLabel('Why, as whoever waits will read it').fill('a new disk');
  await me.getByRole('button', { name: `Cordon ${spare}` }).click();
  await expect(me.getByRole('status').filter({ hasText: 'a new disk' })).toContainText('Drained');
  await me.getByRole('button', { name: 'Uncordon' }).click();
  await expect(me.getByRole('button', { name: 'Cordon …' })).toBeVisible();
  await me.getByRole('button', { name: 'Replace …' }).click();
  await me.getByRole('button', { name: 'Make the token' }).click();
  await expect(me.getByLabel('Command', { exact: true })).toHaveText(/PULSE_AGENT_TOKEN=\S+ pulse-agent$/);
  await me.getByRole('button', { name: 'Done' }).click();
  await me.getByRole('button', { name: 'Revoke …' }).click();
  const revoke = me.getByRole('button', { name: `Revoke ${spare}` });
  await expect(revoke).toBeDisabled();
  await me.getByLabel('Type its name').fill(spare);
  await revoke.click();
  await expect(me.locator('h1')).toContainText('revoked');
  await me.goto(`${house.url}/tokens`);
  await me.getByRole('button', { name: 'For the API …' }).click();
  await me.getByLabel('Name, never given twice').fill(`script-${test.info().workerIndex}`);
  await me.getByRole('button', { name: 'Make it' }).click();
  await expect(me.getByLabel('Token', { exact: true })).toHaveText(/^pulse_/);
  await me.getByRole('button', { name: 'Done' }).click();
  await expect(me.getByRole('row', { name: new RegExp(`script-${test.info().workerIndex}`) })).toContainText('valid');
});

test('the settings that count, and where they come from, for whoever administers', async ({ me, house }) => {
  await me.goto(`${house.url}/status`);
  const settings = me.locator('section', { has: me.getByRole('heading', { name: 'Settings' }) });
  await expect(settings.getByRole('row', { name: /^sourceUrl .* environment PULSE_SOURCE_URL/ })).toBeVisible();
  await expect(settings.getByRole('row', { name: /^adminToken \[redacted\]/ })).toBeVisible();
  await expect(settings.getByRole('row', { name: /^sourcePoll 3m default/ })).toBeVisible();
});

test('one command on a selection, its result in groups, and the audit log tells who did it', async ({ me, house }) => {
  await me.goto(`${house.url}/agents?q=role%3Dweb`);
  await me.getByRole('button', { name: 'Command …' }).click();
  await me.getByLabel('Command, run by').fill('echo "on $PULSE_AGENT" | cut -c1-6');
  await me.getByLabel('Why?').fill('OPS-cmd');
  await me.getByRole('button', { name: 'Run on 3 items' }).click();
  await expect(me.locator('h1')).toContainText('succeeded');
  await expect(me.getByText('all 3 targets alike')).toBeVisible();
  await me.goto(`${house.url}/audit?action=command.run`);
  await expect(me.getByRole('cell', { name: 'command.run' }).first()).toBeVisible();
  await me.getByRole('button', { name: 'Verify the chain' }).click();
  await expect(me.getByText(/entries follow each other without a flaw/)).toBeVisible();
});
