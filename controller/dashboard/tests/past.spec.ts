/** The history of an installation that is years old. A million executions with `PULSE_TEST_FULL`, else fifty thousand. */
import { FILES } from './support/manifests';
import { House } from './support/house';
import { past } from './support/past';
import { expect, signIn, test, watch } from './support/test';

// Not one round alone: another worker's browser may take both cores for a second.
const [COUNT, ROUNDS] = process.env['PULSE_TEST_FULL'] ? [1_000_000, 5] : [50_000, 3];
/** From the wish to the rows on the screen, the median of the rounds; what a person takes for at once. */
const LIMIT_MS = 1000;

const VIEWS: [name: string, query: string, first: RegExp][] = [
  ['everything', '', /flow-/],
  ['a workflow', '?workflow=flow-7', /flow-7#/],
  ['a status', '?status=failed', /flow-/],
  ['a workflow and a status', '?workflow=flow-7&status=failed', /flow-7#/],
  ['a label', '?label=team%3Dt4', /flow-/],
  ['a person', '?startedBy=person-3', /flow-/],
  ['a person and a label', '?startedBy=person-3&label=team%3Dt4', /flow-/],
  ['a commit', '?commit=0000000', /flow-0#1/],
  ['a time', '?until=2023-11-14T23%3A00%3A00Z', /flow-/],
  ['nobody', '?startedBy=nobody', /No execution/],
  ['an agent that ran none', '?agent=web-9', /No execution/],
];

test('every view of a long history is there at once', async ({ page }) => {
  test.setTimeout(600_000);
  // What is as old as this is not kept as a rule.
  const house = await House.start(FILES, {}, async () => ({ PULSE_KEEP_EXECUTIONS: 'forever' }));
  const broken = watch(page);
  try {
    await past(house, COUNT);
    await signIn(page, house, '/executions');
    const slow: string[] = [];
    for (const [name, query, first] of VIEWS) {
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        await page.goto(`${house.url}/status`);
        await expect(page.getByRole('heading', { name: 'Health' })).toBeVisible();
        const began = Date.now();
        await page.goto(`${house.url}/executions${query}`);
        await expect(page.locator('main').getByText(first).first()).toBeVisible();
        times.push(Date.now() - began);
      }
      const median = times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Infinity;
      console.log(`${COUNT} executions, ${name}: ${median} ms (limit ${LIMIT_MS})`);
      if (median > LIMIT_MS) slow.push(`${name}: ${median} ms`);
    }
    expect(slow).toEqual([]);
    // Far down, a page at a time.
    await page.goto(`${house.url}/executions`);
    const list = page.getByLabel('Executions', { exact: true }).last();
    await expect(page.locator('main').getByText(/flow-/).first()).toBeVisible();
    for (let screens = 0; screens < 10; screens += 1) {
      await list.hover();
      await page.mouse.wheel(0, 3000);
      await expect(page.locator('main').getByText(/flow-/).first()).toBeVisible();
    }
    expect(broken).toEqual([]);
  } finally {
    await house.end();
  }
});
