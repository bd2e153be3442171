//! An execution: a list of events, folded into a state. Folding never evaluates and never decides.

mod admit;
mod claims;
mod context;
mod event;
mod evidence;
mod fold;
mod prompts;
mod retry;
mod state;
mod summary;
mod verdict;

pub use admit::{Admitted, Input, Outcome, Refusal, admit};
pub use claims::{ClaimChange, ClaimKey, claim_change};
pub use context::context;
pub use event::{
    AttemptOutput, CancelMode, Carried, CarriedStep, CarriedTarget, Created, EVENT_VERSION, Event, EventRecord, Selection,
    StepPath, Trigger, TriggerKind,
};
pub use evidence::{Evidence, Group, evidence};
pub use fold::FoldError;
pub use prompts::{PromptChange, PromptClosed, PromptRow, PromptStatus, prompt_change};
pub use retry::{CannotRetry, carried, unknown_targets};
pub use state::{Attempt, Cancel, Execution, ExecutionStatus, PromptEnd, PromptRun, RouteRun, StepRun, Target, TargetState};
pub use summary::Summary;
pub use verdict::Verdict;
