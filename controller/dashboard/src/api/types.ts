/** What the controller answers, as docs/api.md says. Shapes only; requests are in `api.ts`. */

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message?: string | null;
  lastTransitionTime?: string | null;
}

export interface Metadata {
  name: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Where a definition came from. */
export interface Origin {
  source: string;
  path: string;
  observedCommit: string | null;
  changedCommit: string;
  digest: string;
  generation: number;
  updatedAt: string;
  conditions?: Condition[];
}

export interface Param {
  name: string;
  type: 'string' | 'int' | 'number' | 'bool' | 'enum' | 'duration' | 'agent' | 'list';
  description?: string | null;
  required?: boolean;
  default?: unknown;
  values?: string[];
  pattern?: string | null;
  min?: number | string | null;
  max?: number | string | null;
  minLength?: number | null;
  maxLength?: number | null;
  items?: string | Record<string, unknown> | null;
}

export type Option = string | { value: string; goto?: string | null };
export interface Route {
  if?: string | null;
  default?: boolean | null;
  goto: string;
  label?: string | null;
}

export interface StepSpec {
  id: string;
  name?: string | null;
  type: string;
  when?: string | null;
  goto?: string | null;
  command?: unknown;
  script?: { file: string; args?: string[] } | null;
  targets?: unknown[];
  message?: string;
  options?: Option[];
  routes?: Route[];
  timeout?: string | null;
  [field: string]: unknown;
}

export interface Workflow {
  apiVersion: string;
  kind: 'Workflow';
  metadata: Metadata;
  spec: { description?: string | null; params?: Param[]; steps: StepSpec[]; timeout?: string | null; [field: string]: unknown };
  status: Origin;
}

export interface Slot {
  slot: string;
  lastSlot: string;
  slots: number;
  outcome: 'fired' | 'skipped' | 'missed' | 'unreadable';
  reason: string | null;
  message: string | null;
  execution: { id: string; name: string | null } | null;
  decidedAt: string;
}

export interface Schedule {
  kind: 'Schedule';
  metadata: Metadata;
  spec: { description?: string | null; workflow?: string; cron?: string; every?: string; params?: Record<string, unknown>; [field: string]: unknown };
  status: Origin & {
    when: string | null;
    timeZone: string | null;
    suspended: boolean;
    suspendedBy: string | null;
    pause: { id: string; scope: string; by: string; reason: string; since: string; until: string | null } | null;
    waitsFor: string | null;
    next: { slot: string; at: string; local: string }[];
    last: Slot | null;
    lastFired: { slot: string; at: string; execution: { id: string; name: string | null } } | null;
    open: { id: string; name: string }[];
  };
}

export interface Vitals {
  load1: number;
  cpuPercent: number;
  memoryUsedBytes: number;
  memoryTotalBytes: number;
  uptimeSeconds: number;
  running: number;
}

export interface Agent {
  kind: 'Agent';
  metadata: Metadata;
  spec: Record<string, unknown>;
  status: Partial<Origin> & {
    state: string;
    reason?: string | null;
    labels?: Record<string, string>;
    vars?: Record<string, string>;
    facts?: Record<string, string>;
    release?: string | null;
    slots?: number;
    slotsTaken?: number;
    attempts?: { attempt: string; execution: string }[];
    vitals?: Vitals | null;
    lastSeen?: string | null;
    enrolledAt?: string;
    cordoned?: boolean | { by?: string; reason?: string; since?: string } | null;
  };
}

export type ExecutionStatus = 'pending' | 'running' | 'waiting' | 'succeeded' | 'failed' | 'cancelled';
export interface Waits {
  for: 'person' | 'timer' | 'queue' | 'pause' | 'unknown';
  since?: string;
}

/** A line of the history. */
export interface Summary {
  id: string;
  number: number;
  name: string;
  workflow: string;
  source: string;
  status: ExecutionStatus | 'unreadable';
  commit: string;
  labels: Record<string, string>;
  waits: Waits | null;
  retryOf: string | null;
  startedBy: string;
  schedule: string | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  wakeAt: string | null;
  message: string | null;
  seq: number;
}

export interface Totals {
  bytes: number;
  sha256: string;
}

export interface Attempt {
  id: string;
  try: number;
  state: string;
  slot?: number;
  assignedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  pid?: number;
  exitCode?: number;
  signal?: number;
  reason?: string;
  resolvedAs?: string;
  durationMs?: number;
  stdout?: Totals;
  stderr?: Totals;
  leftBehind?: boolean;
}

export interface Target {
  agent: string;
  status: string;
  reason?: string | null;
  nextTryAt?: string | null;
  attempts: Attempt[];
}

export interface StepPrompt {
  id: string;
  message: string;
  options: string[];
  timeout: string | null;
  openedAt: string;
  answer: string | null;
  answeredBy: string | null;
  comment: string | null;
  closedAt: string | null;
}

export interface Step {
  id: string;
  type: string;
  visit: number;
  status: string;
  condition?: boolean | null;
  message?: string | null;
  startedAt?: string;
  endedAt?: string | null;
  targets: Target[];
  carried?: boolean;
  prompt?: StepPrompt;
  until?: string;
  parsed?: Record<string, unknown>;
  route?: { place: number | null; label: string | null; goto: string | null };
  answer?: string;
}

export interface Reason {
  code: string;
  message: string;
  step?: string;
  target?: string;
  [field: string]: unknown;
}

export interface Execution extends Omit<Summary, 'wakeAt'> {
  status: ExecutionStatus;
  params: Record<string, unknown>;
  limit: string | null;
  concurrencyKey: string | null;
  state: Record<string, unknown>;
  trigger: { kind: string; by: string; slot: string | null };
  cancel: { mode: string; by: string; reason: string; at: string } | null;
  steps: Step[];
  reasons: Reason[];
}

export interface EventRecord {
  seq: number;
  at: string;
  type: string;
  [field: string]: unknown;
}

export interface OutputPiece {
  attempt: string;
  step: string;
  visit: number;
  agent: string;
  try: number;
  stream: 'stdout' | 'stderr';
  offset: number;
  end: number;
  text: string;
  total: number;
  cut: number;
}

export interface Prompt {
  id: string;
  execution: string;
  name: string;
  workflow: string;
  source: string;
  step: string;
  visit: number;
  message: string;
  options: string[];
  openedAt: string;
  timeout: string | null;
  deadline: string | null;
  /** Whom the workflow lets answer, where it says so. */
  who?: { users?: string[]; groups?: string[]; roles?: string[]; [field: string]: unknown } | null;
  mayAnswer?: boolean;
  status: 'open' | 'answered' | 'expired' | 'withdrawn' | 'unreadable';
  answer: string | null;
  answeredBy: string | null;
  comment: string | null;
  closedAt: string | null;
}

export interface Tail extends Totals {
  tail?: string;
  complete?: boolean;
}

export interface EvidenceGroup {
  agents: string[];
  status: string;
  exitCode?: number | null;
  stdout?: Tail | null;
  stderr?: Tail | null;
}

export interface PromptDetail extends Prompt {
  targets?: string[];
  evidence?: { step: string; visit: number; status: string; groups: EvidenceGroup[] } | null;
}

export interface ManifestProblem {
  file?: string;
  line?: number;
  column?: number;
  endLine?: number;
  endColumn?: number;
  code: string;
  message: string;
  help?: string | null;
  severity?: string;
  pointer?: string;
}

export interface Change {
  kind: string;
  name: string;
  path?: string;
  action: string;
  [field: string]: unknown;
}

export interface Sync {
  id: string;
  source: string;
  commit: string | null;
  author: string | null;
  title: string | null;
  outcome: 'applied' | 'unchanged' | 'refused' | 'held' | 'unreachable' | 'unreadable';
  reason: string | null;
  message: string | null;
  generation: number | null;
  problems: ManifestProblem[];
  problemCount: number;
  counts: Record<string, number>;
  planDigest: string | null;
  confirmedBy: string | null;
  confirms: string | null;
  hangsSince: string | null;
  changes: Change[];
  startedAt: string;
  finishedAt: string;
  durationMs: number;
}

export interface Webhook {
  receivedAt: string;
  accepted: boolean;
  reason: string;
  message: string | null;
  help: string | null;
  [field: string]: unknown;
}

export interface Source {
  name: string;
  kind: 'folder' | 'git';
  url: string;
  branch: string | null;
  path: string | null;
  observedCommit: string | null;
  generation: number;
  conditions: Condition[];
  lastSync: Sync | null;
  lastLook: string | null;
  nextLook: string | null;
  failures: number;
  webhook: { enabled: boolean; path: string; url: string };
  lastWebhook: Webhook | null;
}

export interface Pause {
  id: string;
  status: 'active' | 'expired' | 'ended';
  scope: string;
  reason: string;
  createdBy: string;
  createdAt: string;
  expiresAt: string | null;
  endedAt: string | null;
  endedBy: string | null;
  holds: { workflows: number; schedules: number; agents: number } | null;
}

export interface EnrolmentToken {
  id: string;
  token?: string;
  usesLeft?: number;
  uses?: number;
  expiresAt: string;
  labels: Record<string, string>;
  names: string[];
  createdBy?: string;
  createdAt?: string;
  server?: string;
}

export interface ApiToken {
  id: string;
  name: string;
  kind: string;
  prefix: string;
  status: 'active' | 'expired' | 'revoked';
  roles: string[];
  scope: { verbs?: string[]; workflows?: string[] };
  reason: string | null;
  createdBy: string;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  revokedBy: string | null;
  lastUsedAt: string | null;
  /** Only in the answer that makes it. */
  token?: string;
}

export interface User {
  name: string;
  displayName: string | null;
  email: string | null;
  groups: string[];
  provider: string;
  firstSeenAt: string;
  lastSeenAt: string;
}

export interface Plan {
  source: string;
  commit: string | null;
  text: string;
  empty: boolean;
  planDigest: string;
  needsConfirmation: boolean;
  liveCommit: string | null;
  problems: ManifestProblem[];
}

export interface Health {
  status: string;
  release?: string;
  role?: string;
  reason?: string;
  database?: { status: string };
  holder?: { name: string; leasesExpireAt: string };
  [field: string]: unknown;
}

export interface Started {
  id: string;
  number: number;
  name: string;
  status: string;
  droppedParams?: string[];
}

/** A step of a dry run. */
export interface DryStep {
  id: string;
  type: string;
  targets?: string[];
  targetsFrom?: unknown;
  argv?: string[];
  script?: string;
  message?: string;
  when?: string;
  [field: string]: unknown;
}

export interface AuditEntry {
  id: string;
  at: string;
  by: string;
  action: string;
  outcome?: string;
  object?: string | Record<string, unknown> | null;
  [field: string]: unknown;
}

/** What a message of the WebSocket tells. */
export interface Notice {
  type: 'hello' | 'resync' | 'execution' | 'prompt' | 'pause' | 'agent' | 'sync';
  id: string;
  execution?: string;
  workflow?: string;
  name?: string;
  status?: string;
  prompt?: string;
  agent?: string;
  state?: string;
  [field: string]: unknown;
}

export type Verb = 'view' | 'run' | 'answer' | 'cancel' | 'resolve' | 'pause' | 'administer' | 'adhoc' | 'audit';

export interface Principal {
  name: string;
  displayName?: string | null;
  email?: string | null;
  groups?: string[];
  roles?: string[];
  kind: string;
}

export interface Provider {
  kind: string;
  name: string;
  url: string;
}

export interface Session {
  principal: Principal;
  csrf: string;
  rights: Verb[];
  providers: Provider[];
}
