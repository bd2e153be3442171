/** The run of a workflow before this one, and whether its definition was another. */
import { executions, syncs } from '../api/api';
import type { Execution, Summary, Sync } from '../api/types';

export interface Previous {
  run: Summary;
  /** `null` where it cannot be told. */
  changed: boolean | null;
  /** The syncs since then that changed this workflow. */
  by: Sync[];
}

export async function previousOf(execution: Execution, signal?: AbortSignal): Promise<Previous | null> {
  const { workflow, source, createdAt, id } = execution;
  const page = await executions.list({ workflow, source, until: createdAt, limit: 2 }, signal);
  const run = page.items.find((one) => one.id !== id && one.status !== 'unreadable');
  if (!run) return null;
  if (run.commit === execution.commit) return { run, changed: false, by: [] };
  const [mine, theirs] = await Promise.all([snapshotOf(id, signal), snapshotOf(run.id, signal)]);
  const changed = mine === null || theirs === null ? null : mine !== theirs;
  return { run, changed, by: changed === false ? [] : await changesBetween(run, execution, signal) };
}

async function snapshotOf(id: string, signal?: AbortSignal): Promise<string | null> {
  const page = await executions.events(id, { limit: 1 }, signal);
  const snapshot = page.items[0]?.['snapshot'];
  return typeof snapshot === 'string' ? snapshot : null;
}

async function changesBetween(run: Summary, execution: Execution, signal?: AbortSignal): Promise<Sync[]> {
  const page = await syncs.list({ source: execution.source, limit: 100 }, signal);
  const between = (sync: Sync) => sync.outcome === 'applied' && sync.finishedAt > run.createdAt && sync.startedAt < execution.createdAt;
  const touches = (sync: Sync) => sync.changes.some((change) => change.kind === 'Workflow' && change.name === execution.workflow);
  return page.items.filter((sync) => between(sync) && touches(sync));
}
