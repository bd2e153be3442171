/** The last minutes of every agent's load, as this page has seen them; the controller keeps only the newest. */
import { untrack } from 'svelte';
import type { Agent } from '../api/types';

const KEPT = 60;

class Vitals {
  #series = $state.raw<Map<string, number[]>>(new Map());
  #seen = new Map<string, string>();

  /** Takes what is new of each agent. */
  take(agents: Agent[]): void {
    const next = new Map(untrack(() => this.#series));
    for (const { metadata, status } of agents) {
      if (!status.vitals || !status.lastSeen || this.#seen.get(metadata.name) === status.lastSeen) continue;
      this.#seen.set(metadata.name, status.lastSeen);
      next.set(metadata.name, [...(next.get(metadata.name) ?? []), status.vitals.cpuPercent].slice(-KEPT));
    }
    this.#series = next;
  }

  of(name: string): number[] {
    return this.#series.get(name) ?? [];
  }
}

export const vitals = new Vitals();
