/** A workflow's steps as a graph: what may follow what, and, of an execution, what did. */
import type { Step, StepSpec, Steps } from '../api/types';

export interface Node {
  id: string;
  label: string;
  type: string;
  /** Of the last visit, where it ran. */
  status: string | null;
  visits: number;
}

export interface Edge {
  from: string;
  to: string;
  label: string;
  /** How often it was gone. */
  taken: number;
}

export interface Graph {
  nodes: Node[];
  edges: Edge[];
}

export const END = ' end';

/** The steps in their order, with every way that the definition names. */
export function graphOf(given: Steps | StepSpec[]): Graph {
  // The document says what each type has; here every step is looked at alike.
  const steps = given as unknown as StepSpec[];
  const nodes = steps.map((step): Node => ({ id: step.id, label: step.id, type: step.type, status: null, visits: 0 }));
  const edges: Edge[] = [];
  const add = (from: string, to: string, label = '') => {
    const target = to === 'end' ? END : to;
    const known = edges.find((edge) => edge.from === from && edge.to === target);
    if (!known) edges.push({ from, to: target, label, taken: 0 });
    else if (label !== '') known.label = known.label === '' ? label : `${known.label}, ${label}`;
  };
  steps.forEach((step, at) => {
    const next = step.goto ?? steps[at + 1]?.id ?? 'end';
    for (const option of step.options ?? []) {
      if (typeof option !== 'string' && option.goto) add(step.id, option.goto, option.value);
    }
    for (const route of step.routes ?? []) add(step.id, route.goto, route.label ?? (route.default ? 'default' : (route.if ?? '')));
    const always = (step.routes ?? []).some((route) => route.default) || allOptionsLead(step);
    if (!always) add(step.id, next, restOf(step));
  });
  return { nodes: [...nodes, { id: END, label: 'end', type: '', status: null, visits: 0 }], edges };
}

const allOptionsLead = (step: StepSpec): boolean =>
  (step.options ?? []).length > 0 && (step.options ?? []).every((option) => typeof option !== 'string' && !!option.goto);

/** The answers that just go on, where others do not. */
function restOf(step: StepSpec): string {
  const options = step.options ?? [];
  if (options.every((option) => typeof option === 'string')) return '';
  return options.flatMap((option) => (typeof option === 'string' ? [option] : option.goto ? [] : [option.value])).join(', ');
}

/** With what an execution did. Steps that the definition does not have (any more) are added. */
export function withRun(graph: Graph, steps: Step[], over: boolean): Graph {
  const nodes = new Map(graph.nodes.map((node) => [node.id, { ...node }]));
  const edges = graph.edges.map((edge) => ({ ...edge }));
  const take = (from: string, to: string) => {
    const known = edges.find((edge) => edge.from === from && edge.to === to);
    if (known) known.taken += 1;
    else edges.push({ from, to, label: '', taken: 1 });
  };
  const begun = steps.filter((step) => step.startedAt);
  for (const step of steps) {
    const node = nodes.get(step.id) ?? { id: step.id, label: step.id, type: step.type, status: null, visits: 0 };
    if (step.startedAt || node.status === null) node.status = step.status;
    if (step.startedAt) node.visits = Math.max(node.visits, step.visit);
    nodes.set(step.id, node);
  }
  begun.forEach((step, at) => {
    const next = begun[at + 1];
    if (next) take(step.id, next.id);
  });
  const last = begun.at(-1);
  if (over && last) take(last.id, END);
  return { nodes: [...nodes.values()], edges };
}
