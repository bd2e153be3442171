/** Every page that needs nothing to be there first. */
export const PAGES = [
  '/', '/prompts', '/executions', '/workflows', '/workflows/ask?run=1', '/workflows/ask?view=yaml', '/schedules', '/schedules/nightly', '/agents', '/agents/web-1',
  '/syncs', '/pauses', '/editor', '/tokens', '/status', '/audit',
];
