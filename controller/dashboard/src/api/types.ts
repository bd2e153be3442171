/**
 * What the controller answers: names for the shapes of `schema.d.ts`, which is made of the controller's own OpenAPI document. Where
 * the document says "one of several", the view of all of them together stands here.
 */
import type { components } from './schema';

type S = components['schemas'];

export interface Page<T> {
  items: T[];
  nextCursor?: string | null;
}

export type Condition = S['Condition'] | S['ReadyCondition'];
export type Metadata = S['ObjectMetadata'];
export type Param = S['Param'];
export type Workflow = S['Workflow'];
export type Route = { if?: string | null; default?: boolean | null; goto: string; label?: string | null };
export type Option = string | { value: string; goto?: string | null };

export type Steps = Workflow['spec']['steps'];
/** A step of any type, with the fields of all of them. */
export interface StepSpec {
  id: string;
  type: string;
  goto?: string | null;
  options?: Option[];
  routes?: Route[];
}

export type Slot = S['Slot'];
/** A schedule of a workflow or of one command, with the fields of both and of both timings. */
export type Schedule = Omit<S['Schedule'], 'spec'> & {
  spec: S['Schedule']['spec'] & { workflow?: string; cron?: string; every?: string; params?: Record<string, unknown> };
};
export type Vitals = S['Vitals'];
/** Enrolled, declared, or both. */
export type Agent = Omit<S['Agent'], 'status'> & { status: Partial<Omit<S['Enrolled'], 'state'>> & { state: string; path?: string; source?: string } };
export type ExecutionStatus = S['ExecutionStatusWord'];
export type Summary = S['ExecutionSummary'] | (Omit<S['ExecutionSummary'], 'status'> & { status: 'unreadable' });
export type Attempt = S['Attempt'];
export type Target = S['StepTarget'];
export type Step = S['ExecutionStep'];
export type Reason = { code: string; message: string; step?: string | null; target?: string | null };
export type Execution = Omit<S['Execution'], 'reasons'> & { reasons: Reason[] };
export type EventRecord = { seq: number; at: string; type: string; [field: string]: unknown };
export type OutputPiece = S['OutputItem'];
export type Prompt = S['PromptSummary'] | (Omit<S['PromptSummary'], 'status'> & { status: 'unreadable' });
export type PromptDetail = S['PromptDetail'];
export type EvidenceGroup = S['EvidenceGroup'];
export type ManifestProblem = S['ManifestProblem'];
export type Change = S['SyncChange'];
export type Sync = S['Sync'];
export type Source = S['Source'];
export type Pause = S['Pause'];
export type EnrolmentToken = S['EnrolmentToken'];
export type MadeEnrolmentToken = S['CreatedToken'];
export type ApiToken = S['ApiToken'];
export type MadeApiToken = S['CreatedApiToken'];
export type Role = S['Role'];
export type User = S['User'];
export type Plan = S['PlannedChanges'];
export type Health = S['Health'];
export type Settings = S['Settings'];
export type Started = S['StartedExecution'];
export type DryStep = { id: string; type: string; when?: string | null; targets?: string[]; argv?: string[]; script?: string | null; message?: string };
export type Verb = S['Verb'];
export type Session = S['Session'];
export type Principal = Session['principal'];
export type Provider = Session['providers'][number];

/** An entry of the audit log; one that cannot be read is shown as such. */
export type AuditEntry = S['AuditRowRow'];
export type AuditVerdict = S['AuditVerdict'];

/** What a message of the WebSocket tells. */
export interface Notice {
  type: S['LiveMessage']['type'];
  id: string;
  execution?: string;
  workflow?: string;
  name?: string;
  status?: string;
  prompt?: string;
  agent?: string;
  state?: string;
}
