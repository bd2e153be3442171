//! The only room that knows SQL: one set of queries over sqlx's `AnyPool`, for every engine. What an engine does its own way
//! stands in `dialect.rs` and nowhere else.
//!
//! ```text
//! controller ── WriteItem ──▶ writer (one task, group commit, fence) ──▶ writer connection ─┐
//! sessions ──── OutputPiece ─▶ output writer (one task, batches) ──────▶ writer connection ─┤─▶ database
//! everyone ──── reads, enrolment, apply ───────────────────────────────▶ reader pool ───────┘
//! ```
//!
//! A store method is a transaction; callers never see one. Nothing is read and then written: rows are claimed by unique
//! inserts and single-statement compare-and-set.

mod absences;
mod agents;
mod api_tokens;
mod attempts;
mod audit;
mod backup;
mod bounds;
mod browser_sessions;
mod candidate;
mod columns;
mod definitions;
mod dialect;
mod enrolment;
mod error;
mod executions;
mod faults;
mod history;
mod idempotency;
mod labels;
mod leases;
mod lock;
mod meta;
mod migrations;
mod open;
pub mod output;
mod page;
mod pauses;
#[cfg(test)]
#[path = "../../tests/support/planted.rs"]
mod planted_runs;
mod prompts;
mod retention;
mod rows;
mod schedules;
mod search;
mod session;
mod slots;
mod snapshots;
mod sql;
mod statement;
mod syncs;
#[cfg(test)]
mod test_database;
#[cfg(test)]
mod test_room;
mod tokens;
mod transact;
mod transaction;
mod upcast;
mod users;
mod vitals;
mod webhooks;
mod writer;

pub use agents::{Agent, Heartbeat};
pub use api_tokens::{ApiToken, ApiTokenKind, TokenMade};
pub use attempts::{AttemptRow, AttemptState, StoredAttempt};
pub use audit::{AuditFilter, AuditRow, AuditWrite, SealedTo};
pub use backup::{BackupTaken, Cell, Column, Dump, Finished, Kind, Part, Restore};
pub use browser_sessions::BrowserSession;
pub use candidate::{Candidate, Holder, Taken};
pub use definitions::{Apply, ApplyError, Definition, DefinitionKey, LiveSet, NewDefinition, SourceState};
pub use enrolment::{EnrolError, Enrolled, Enrolment};
pub use error::{Error, RowError};
pub use executions::Open as OpenExecutions;
pub use idempotency::IdempotencyRow;
pub use leases::{PARTITIONS, partition_of};
pub use migrations::{MigrationState, migrate, migration_status};
pub use open::Store;
pub use output::{Gap, OutputError, OutputPiece, OutputWriter, Piece, Pieces};
pub use page::{Order, Page};
pub use pauses::{PauseEnd, PauseRow, Pauses};
pub use prompts::{PromptFilter, StoredPrompt};
pub use retention::{OutputStep, STEP as RETENTION_STEP, Surveyed, Swept, WorkflowAt};
pub use schedules::{Advance, AdvanceError, Fired, ScheduleRow};
pub use search::{ExecutionFilter, SHORTEST_COMMIT};
pub use session::{SessionError, SessionStart};
pub use slots::{KEPT as KEPT_SLOTS, SlotRow};
pub use syncs::{SyncOutcome, SyncRecord};
pub use tokens::{NewToken, Token};
pub use users::{Seen, User};
pub use vitals::Vitals;
pub use webhooks::WebhookRow;
pub use writer::{WriteError, WriteItem, Writer};
