/** The fleet, as it is looked through. */
import type { Agent } from '../api/types';
import { plain } from './ansi';
import { bytes } from './time';

const ORDER = ['quarantined', 'offline', 'stale', 'draining', 'cordoned', 'online', 'not_enrolled', 'revoked'];

/** What is wrong first, then by name. */
export function byTrouble(agents: Agent[]): Agent[] {
  // A state that this page does not know comes first of all: -1.
  const rank = (agent: Agent) => ORDER.indexOf(agent.status.state);
  return [...agents].sort((a, b) => rank(a) - rank(b) || a.metadata.name.localeCompare(b.metadata.name, 'en', { numeric: true }));
}

/** Every word must be in the name, the state, or a label (`role=web`). */
export function find(agents: Agent[], query: string): Agent[] {
  const words = query.toLowerCase().split(/[\s,]+/).filter((word) => word !== '');
  const text = (agent: Agent) =>
    [agent.metadata.name, agent.status.state, ...Object.entries(agent.status.labels ?? agent.metadata.labels ?? {}).map(([name, value]) => `${name}=${value}`)].join(' ').toLowerCase();
  return agents.filter((agent) => words.every((word) => text(agent).includes(word)));
}

export function counts(agents: Agent[]): [string, number][] {
  const found = new Map<string, number>();
  for (const agent of agents) found.set(agent.status.state, (found.get(agent.status.state) ?? 0) + 1);
  return [...found].sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
}

/** What an agent says of its host, as people read it: `memory_bytes` is a size. */
export function factOf(name: string, value: string): { name: string; value: string } {
  const size = name.endsWith('_bytes') && /^\d+$/.test(value);
  return size ? { name: plain(name.slice(0, -'_bytes'.length)), value: bytes(Number(value)) } : { name: plain(name), value: plain(value) };
}

/** What to paste on a server. Nothing of it can be taken for another word by a shell. */
export function enrolCommand(server: string, token: string): string {
  const quoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
  return `PULSE_SERVER=${quoted(server)} PULSE_AGENT_TOKEN=${quoted(token)} pulse-agent`;
}
