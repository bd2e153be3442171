/** The last runs of every workflow, from one page of the history; those that it does not reach are asked for when they are looked at. */
import { executions } from '../api/api';
import type { Summary } from '../api/types';

export async function recentRuns(most = 10, signal?: AbortSignal): Promise<Map<string, Summary[]>> {
  const page = await executions.list({ limit: 500 }, signal);
  const runs = new Map<string, Summary[]>();
  for (const run of page.items) {
    if (run.status === 'unreadable') continue;
    const key = `${run.source}/${run.workflow}`;
    const list = runs.get(key) ?? [];
    if (list.length < most) runs.set(key, [...list, run]);
  }
  return runs;
}
